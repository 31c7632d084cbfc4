import { expect, test } from "vitest";
import { type ErrorCode, errorCatalog, publicError, ServiceError } from "#shared/errors.ts";

const codes = Object.keys(errorCatalog) as ErrorCode[];

/** Callers rely on these: changing the status of a code must be deliberate. */
const statuses: Record<number, ErrorCode[]> = {
  400: ["invalid_request", "invalid_json"],
  401: ["missing_api_key", "invalid_api_key", "expired_api_key"],
  403: ["insufficient_scope"],
  404: ["channel_not_found", "command_not_found", "message_not_found", "qr_not_available", "route_not_found"],
  405: ["method_not_allowed"],
  409: [
    "channel_logged_out",
    "already_linked",
    "message_ambiguous",
    "command_not_cancellable",
    "command_not_retryable",
  ],
  410: ["resync_required"],
  413: ["body_too_large"],
  415: ["unsupported_content_type"],
  422: [
    "whatsapp_rejected",
    "recipient_not_on_whatsapp",
    "media_not_allowed",
    "media_unavailable",
    "media_too_large",
    "media_type_mismatch",
    "idempotency_key_reused",
  ],
  429: ["rate_limited", "pairing_rate_limited"],
  500: ["internal"],
  503: ["database_unavailable"],
};
/** Codes of command documents; over HTTP they only occur in responses about a command. */
const inCommandsOnly: ErrorCode[] = ["invalid_command", "expired", "cancelled", "not_sent"];

test("every code has the status that callers rely on", () => {
  for (const [status, listed] of Object.entries(statuses))
    for (const code of listed) expect([code, new ServiceError(code).status]).toEqual([code, Number(status)]);
  expect([...Object.values(statuses).flat(), ...inCommandsOnly].sort()).toEqual([...codes].sort());
});

test.each(codes)("%s has a title, which is its message unless another is given", (code) => {
  expect(errorCatalog[code].title).toMatch(/^[A-Z].*[^.]$/);
  expect(publicError(new ServiceError(code))).toEqual({ code, message: errorCatalog[code].title });
  expect(publicError(new ServiceError(code, "In other words"))).toEqual({ code, message: "In other words" });
  expect(new ServiceError(code).retryable).toBe(errorCatalog[code].retryable);
});

test.each([
  ["an error", new Error("secret of the driver")],
  [
    "an error that looks like one of ours",
    Object.assign(new Error("secret"), { code: "invalid_request", details: "secret" }),
  ],
  ["an error named like ours", Object.assign(new Error("secret"), { name: "ServiceError", code: "expired" })],
  ["a string", "secret"],
  ["an object", { message: "secret", code: "expired" }],
  ["nothing", undefined],
])("%s becomes `internal`, without its own message", (_, thrown) => {
  expect(publicError(thrown)).toEqual({ code: "internal", message: errorCatalog.internal.title });
});

test("a cause is not part of the public error", () => {
  const error = new ServiceError("media_unavailable", "It is gone", { cause: new Error("secret") });
  expect(error.cause).toMatchObject({ message: "secret" });
  expect(JSON.stringify(publicError(error))).not.toContain("secret");
});

test("details are passed through, and left out if there are none", () => {
  const details = [{ field: "to", message: "is wrong" }];
  expect(publicError(new ServiceError("invalid_request", undefined, { details }))).toEqual({
    code: "invalid_request",
    message: errorCatalog.invalid_request.title,
    details,
  });
  expect(publicError(new ServiceError("invalid_request"))).not.toHaveProperty("details");
});
