import type { Context, ErrorHandler, NotFoundHandler } from "hono";
import { errorCatalog, errorEnvelope, ServiceError } from "#shared/errors.ts";
import type { Logger } from "#shared/log.ts";
import { namesType } from "../http/accept-header.ts";
import type { RequestEnv } from "./request-id.ts";

const problemType = "application/problem+json";

/** Turns whatever was thrown into an answer. What is not expected is a bug: it is logged and leaves as `internal`. */
export function answerError(log: Logger): ErrorHandler<RequestEnv> {
  return (thrown, c) => {
    const error =
      thrown instanceof ServiceError ? thrown : new ServiceError("internal", undefined, { cause: thrown });
    if (error.status >= 500) logFailure(log, error, c.var.requestId);
    return errorAnswer(c, error);
  };
}

/** For a path that does not exist. */
export const answerNotFound: NotFoundHandler<RequestEnv> = (c) =>
  errorAnswer(c, new ServiceError("route_not_found"));

/** For a path that exists with other methods. */
export function answerMethodNotAllowed(c: Context<RequestEnv>, methods: string[]): Response {
  c.header("Allow", methods.join(", "));
  return errorAnswer(c, new ServiceError("method_not_allowed"));
}

/** The envelope, or RFC 9457 when the caller names its type in `Accept`. */
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

/** Only what names the fault: a message of the driver may quote a document. */
function logFailure(log: Logger, error: ServiceError, requestId: string): void {
  const { cause } = error;
  const what = cause instanceof Error ? { error: cause.name, stack: framesOf(cause) } : {};
  log.error({ requestId, errorCode: error.code, ...what }, "request failed");
}

function framesOf(error: Error): string[] {
  return (error.stack ?? "")
    .split("\n")
    .filter((line) => line.trimStart().startsWith("at "))
    .slice(0, 8)
    .map((line) => line.trim());
}
