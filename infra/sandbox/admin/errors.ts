import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { FieldProblem } from "#shared/errors.ts";

/** Every code the admin API answers with, and its HTTP status. */
const statuses = {
  invalid_request: 400,
  invalid_json: 400,
  forbidden: 403,
  not_found: 404,
  timeout: 408,
  refused: 409,
  too_large: 413,
  unsupported_media_type: 415,
  internal: 500,
} satisfies Record<string, ContentfulStatusCode>;

export type AdminErrorCode = keyof typeof statuses;

/** An expected failure of an admin request. */
export class AdminError extends Error {
  readonly code: AdminErrorCode;
  readonly details: FieldProblem[];

  constructor(code: AdminErrorCode, message: string, details: FieldProblem[] = [], options?: ErrorOptions) {
    super(message, options);
    this.name = "AdminError";
    this.code = code;
    this.details = details;
  }
}

/**
 * Runs an action of a simulated person. When the person refuses (a QR that no client shows, a wrong code, an unknown
 * message), the error's message is meant for the caller: it becomes a sentence in a 409 `refused`. Bugs are rethrown.
 */
export async function orRefused<T>(action: () => T | Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    const isBug =
      error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError;
    if (error instanceof Error && !isBug)
      throw new AdminError("refused", sentence(error.message), [], { cause: error });
    throw error;
  }
}

function sentence(text: string): string {
  const end = /[.!?]$/.test(text) ? "" : ".";
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${end}`;
}

/** `{ok: false, error: {code, message, details}}` */
export function failure(error: Error, c: Context): Response {
  const { code, message, details } =
    error instanceof AdminError ? error : new AdminError("internal", `The sandbox failed: ${error.message}`);
  return c.json({ ok: false, error: { code, message, details } }, statuses[code]);
}
