import type { Context, ErrorHandler, NotFoundHandler } from "hono";
import { errorTrace } from "#shared/error-trace.ts";
import { errorCatalog, errorEnvelope, ServiceError } from "#shared/errors.ts";
import type { Logger } from "#shared/log.ts";
import { namesType } from "../http/accept-header.ts";
import type { RequestEnv } from "./request-id.ts";

const problemType = "application/problem+json";

/** Turns any thrown value into an answer. All but a `ServiceError` is a bug, answered as `internal` and logged. */
export function answerError(log: Logger): ErrorHandler<RequestEnv> {
  return (thrown, c) => {
    const error =
      thrown instanceof ServiceError ? thrown : new ServiceError("internal", undefined, { cause: thrown });
    if (error.status >= 500) logFailure(log, error, c.var.requestId);
    return errorAnswer(c, error);
  };
}

/** Answers a path that does not exist. */
export const answerNotFound: NotFoundHandler<RequestEnv> = (c) =>
  errorAnswer(c, new ServiceError("route_not_found"));

/** Answers a path that exists, but not with this method. */
export function answerMethodNotAllowed(c: Context<RequestEnv>, methods: string[]): Response {
  c.header("Allow", methods.join(", "));
  return errorAnswer(c, new ServiceError("method_not_allowed"));
}

/** Answers with the envelope, or with an RFC 9457 problem when `Accept` names that type. */
function errorAnswer(c: Context<RequestEnv>, error: ServiceError): Response {
  const { code, status, retryable, message, details } = error;
  const { requestId } = c.var;
  if (status === 401) c.header("WWW-Authenticate", "Bearer");
  if (details && "retryAfterSeconds" in details) c.header("Retry-After", String(details.retryAfterSeconds));
  if (!namesType(c.req.header("accept"), problemType)) return c.json(errorEnvelope(error, requestId), status);
  const problem = {
    type: `urn:waypost:error:${code}`,
    title: errorCatalog[code].title,
    status,
    detail: message,
    instance: c.req.path,
    code,
    details,
    requestId,
    retryable,
  };
  return c.body(JSON.stringify(problem), status, { "Content-Type": problemType });
}

/** Logs where the cause arose but not its message: the driver's may quote a document. */
function logFailure(log: Logger, error: ServiceError, requestId: string): void {
  const { code, cause } = error;
  log.error(
    { event: "request_failed", requestId, errorCode: code, ...(cause !== undefined && errorTrace(cause)) },
    "request failed",
  );
}
