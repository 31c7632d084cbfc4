import { jsonField } from "./json-field.ts";

/** One problem that the server found; `field` is a dotted path into the request. */
export interface FieldProblem {
  field: string;
  message: string;
}

/** A failed request: the server's error, or `unreachable` or `timeout` if there was no response. */
export class RequestError extends Error {
  override readonly name = "RequestError";
  readonly code: string;
  /** The HTTP status; 0 if there was no response. */
  readonly status: number;
  readonly problems: readonly FieldProblem[];
  readonly requestId: string | null;

  constructor(
    code: string,
    message: string,
    answer: { status: number; problems?: readonly FieldProblem[]; requestId?: string | null },
  ) {
    super(message);
    this.code = code;
    this.status = answer.status;
    this.problems = answer.problems ?? [];
    this.requestId = answer.requestId ?? null;
  }
}

/** Turns anything thrown into an error that can be shown. */
export function asRequestError(error: unknown): RequestError {
  if (error instanceof RequestError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new RequestError("page_error", message, { status: 0 });
}

/** Reads the error from an API response. Tolerant, because the body may come from a proxy. */
export function errorFromAnswer(status: number, body: unknown): RequestError {
  const error = jsonField(body, "error");
  const code = jsonField(error, "code");
  const message = jsonField(error, "message");
  if (typeof code !== "string" || typeof message !== "string")
    return new RequestError(`http_${status}`, `The server responded with status ${status}`, { status });
  const requestId = jsonField(error, "requestId");
  return new RequestError(code, message, {
    status,
    problems: problemsIn(jsonField(error, "details")),
    requestId: typeof requestId === "string" ? requestId : null,
  });
}

function problemsIn(details: unknown): FieldProblem[] {
  return Array.isArray(details) ? details.filter(isProblem) : [];
}

function isProblem(value: unknown): value is FieldProblem {
  return typeof jsonField(value, "field") === "string" && typeof jsonField(value, "message") === "string";
}
