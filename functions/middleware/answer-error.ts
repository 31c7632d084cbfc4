import type { Context, ErrorHandler, NotFoundHandler } from "hono";
import { errorTrace } from "#shared/error-trace.ts";
import { ServiceError } from "#shared/errors.ts";
import { failureAnswer } from "#shared/failure-answer.ts";
import type { Logger } from "#shared/log.ts";
import type { RequestEnv } from "./request-id.ts";

/** Turns any thrown value into an answer. All but a `ServiceError` is a bug, answered as `internal` and logged. */
export function answerError(log: Logger): ErrorHandler<RequestEnv> {
  return (thrown, c) => {
    const error =
      thrown instanceof ServiceError ? thrown : new ServiceError("internal", undefined, { cause: thrown });
    // A query that ended with its request is no failure.
    const isAbandoned = error.code === "database_unavailable" && c.req.raw.signal.aborted;
    if (error.status >= 500 && !isAbandoned) logFailure(log, error, c.var.requestId);
    return errorAnswer(c, error);
  };
}

/** Answers a path that does not exist. */
export const answerNotFound: NotFoundHandler<RequestEnv> = (c) =>
  errorAnswer(c, new ServiceError("route_not_found"));

/** Answers a path that exists, but not with this method. `OPTIONS` asks for no more than `Allow`. */
export function answerMethodNotAllowed(c: Context<RequestEnv>, methods: string[]): Response {
  c.header("Allow", methods.join(", "));
  if (c.req.method === "OPTIONS") return c.body(null, 204);
  return errorAnswer(c, new ServiceError("method_not_allowed"));
}

/** Answers with the envelope, or with an RFC 9457 problem when `Accept` names that type. */
function errorAnswer(c: Context<RequestEnv>, error: ServiceError): Response {
  const { status, details } = error;
  if (status === 401) c.header("WWW-Authenticate", "Bearer");
  const wait = details && "retryAfterSeconds" in details ? details.retryAfterSeconds : null;
  // Another service may have written the details of a command.
  if (typeof wait === "number" && wait >= 0) c.header("Retry-After", String(Math.ceil(wait)));
  const { requestId } = c.var;
  const { contentType, body } = failureAnswer(error, {
    requestId,
    accept: c.req.header("accept"),
    path: c.req.path,
  });
  return c.body(body, status, { "Content-Type": contentType });
}

/** Logs where the cause arose but not its message: the driver's may quote a document. */
function logFailure(log: Logger, error: ServiceError, requestId: string): void {
  const { code, cause } = error;
  log.error(
    { event: "request_failed", requestId, errorCode: code, ...(cause !== undefined && errorTrace(cause)) },
    "request failed",
  );
}
