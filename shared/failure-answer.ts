import { namesType } from "./accept-header.ts";
import { errorCatalog, errorEnvelope, type ServiceError } from "./errors.ts";

const problemType = "application/problem+json";

export interface FailedRequest {
  requestId: string;
  /** The `Accept` header. */
  accept: string | undefined;
  path: string;
}

/** A failure over HTTP: the envelope, or an RFC 9457 problem when `Accept` names that type. */
export function failureAnswer(
  error: ServiceError,
  { requestId, accept, path }: FailedRequest,
): { contentType: string; body: string } {
  if (!namesType(accept, problemType))
    return { contentType: "application/json", body: JSON.stringify(errorEnvelope(error, requestId)) };
  const { code, status, retryable, message, details } = error;
  const problem = {
    type: `urn:waypost:error:${code}`,
    title: errorCatalog[code].title,
    status,
    detail: message,
    instance: path,
    code,
    details,
    requestId,
    retryable,
  };
  return { contentType: problemType, body: JSON.stringify(problem) };
}
