/** The catalog of every error a caller can see: HTTP, command documents and Socket.io. Headings in `docs/errors.md`. */
export const errorCatalog = {
  invalid_request: { status: 400, retryable: false, title: "The request is not valid" },
  invalid_json: { status: 400, retryable: false, title: "The body is not valid JSON" },
  missing_api_key: { status: 401, retryable: false, title: "No API key was provided" },
  invalid_api_key: { status: 401, retryable: false, title: "The API key is not valid" },
  expired_api_key: { status: 401, retryable: false, title: "The API key or session has expired" },
  insufficient_scope: { status: 403, retryable: false, title: "The API key does not allow this" },
  channel_not_found: { status: 404, retryable: false, title: "Channel not found" },
  command_not_found: { status: 404, retryable: false, title: "Command not found" },
  message_not_found: { status: 404, retryable: false, title: "Message not found" },
  qr_not_available: { status: 404, retryable: true, title: "No QR code is waiting to be scanned" },
  route_not_found: { status: 404, retryable: false, title: "Route not found" },
  method_not_allowed: { status: 405, retryable: false, title: "Method not allowed on this route" },
  channel_logged_out: { status: 409, retryable: false, title: "The channel is not linked to a phone" },
  message_ambiguous: { status: 409, retryable: false, title: "Several messages have this id" },
  already_linked: { status: 409, retryable: false, title: "The channel is already linked to a phone" },
  command_not_cancellable: {
    status: 409,
    retryable: false,
    title: "The command can no longer be cancelled",
  },
  command_not_retryable: { status: 409, retryable: false, title: "The command cannot be retried" },
  resync_required: { status: 410, retryable: false, title: "The requested events are no longer retained" },
  body_too_large: { status: 413, retryable: false, title: "The body is too large" },
  unsupported_content_type: { status: 415, retryable: false, title: "The body must be application/json" },
  whatsapp_rejected: { status: 422, retryable: false, title: "WhatsApp refused the message" },
  recipient_not_on_whatsapp: { status: 422, retryable: false, title: "The number is not on WhatsApp" },
  media_not_allowed: { status: 422, retryable: false, title: "The media URL is not allowed" },
  media_unavailable: { status: 422, retryable: true, title: "The media could not be fetched" },
  media_too_large: { status: 422, retryable: false, title: "The media is too large" },
  media_type_mismatch: { status: 422, retryable: false, title: "The media does not match the declared type" },
  idempotency_key_reused: {
    status: 422,
    retryable: false,
    title: "The Idempotency-Key was already used for a different request",
  },
  pairing_rate_limited: {
    status: 429,
    retryable: true,
    title: "Too many pairing codes were requested for this number",
  },
  rate_limited: { status: 429, retryable: true, title: "Too many requests" },
  internal: { status: 500, retryable: true, title: "Something went wrong on our side" },
  database_unavailable: { status: 503, retryable: true, title: "The database is unavailable" },
  invalid_command: { status: 422, retryable: false, title: "The command document is not valid" },
  expired: { status: 422, retryable: true, title: "The command expired before it was executed" },
  cancelled: { status: 409, retryable: true, title: "The command was cancelled" },
  not_sent: { status: 422, retryable: true, title: "The message never left the connector" },
} as const satisfies Record<string, { status: number; retryable: boolean; title: string }>;

export type ErrorCode = keyof typeof errorCatalog;

/** One problem in a caller's input; `field` is a dotted path. */
export interface FieldProblem {
  field: string;
  message: string;
}

export type ErrorDetails = readonly FieldProblem[] | Readonly<Record<string, unknown>>;

export interface ServiceErrorOptions {
  details?: ErrorDetails;
  cause?: unknown;
  /** Defaults to the catalog's. */
  retryable?: boolean;
}

/** An expected failure. `message` is for the caller; `cause` is never shown. */
export class ServiceError extends Error {
  override readonly name = "ServiceError";
  readonly code: ErrorCode;
  readonly details: ErrorDetails | undefined;
  /** Whether the same call can succeed later, unchanged. */
  readonly retryable: boolean;

  constructor(code: ErrorCode, message?: string, options: ServiceErrorOptions = {}) {
    super(message ?? errorCatalog[code].title, { cause: options.cause });
    this.code = code;
    this.details = options.details;
    this.retryable = options.retryable ?? errorCatalog[code].retryable;
  }

  get status(): (typeof errorCatalog)[ErrorCode]["status"] {
    return errorCatalog[this.code].status;
  }
}

/** The JSON body of a failure over HTTP. */
export function errorEnvelope({ code, message, details, retryable }: ServiceError, requestId: string) {
  return { ok: false as const, error: { code, message, details, requestId, retryable } };
}

/** A failure as it appears in command documents and to callers. */
export interface PublicError {
  code: ErrorCode;
  message: string;
  details?: ErrorDetails;
}

/** Anything but a `ServiceError` is a bug and becomes `internal`, without its message. */
export function publicError(error: unknown): PublicError {
  if (!(error instanceof ServiceError)) return { code: "internal", message: errorCatalog.internal.title };
  return {
    code: error.code,
    message: error.message,
    ...(error.details === undefined ? {} : { details: error.details }),
  };
}
