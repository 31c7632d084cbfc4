import { z } from "@hono/zod-openapi";
import type { IdempotencyKeyDocument } from "#shared/collections.ts";

/** A request under an `Idempotency-Key`, and what it was decided to be: accepted under these ids, or refused. */
export type KeyedRequest = Pick<IdempotencyKeyDocument, "hash" | "doneAt"> &
  (
    | { ids: Record<string, string>; refusal?: never }
    | { refusal: NonNullable<IdempotencyKeyDocument["refusal"]>; ids?: never }
  );

/** What is kept of requests under a key, 24 h each. Only what would survive the loss of a server is found. */
export interface KeyedRequests {
  findRequest(id: string): Promise<KeyedRequest | null>;
  /** Writes it down, unless one is there already: that one decides, and is returned. Null: this one does. */
  rememberRequest(id: string, request: KeyedRequest): Promise<KeyedRequest | null>;
  /** Accepted, but it came to nothing after all. */
  refuseRequest(id: string, refusal: NonNullable<KeyedRequest["refusal"]>): Promise<void>;
  /** What it makes is made. */
  finishRequest(id: string, doneAt: Date): Promise<void>;
}

/** Visible ASCII, so that no two programs read it differently. */
const keyPattern = /^[\x21-\x7e]{1,255}$/;

/** Whether an `Idempotency-Key` is one; what is not is refused with the other fields. */
export function isIdempotencyKey(key: string): boolean {
  return keyPattern.test(key);
}

/** The header, as routes describe it. */
export const idempotencyHeader = z.object({
  "idempotency-key": z
    .string()
    .regex(keyPattern, "must be 1 to 255 visible ASCII characters")
    .optional()
    .openapi({
      example: "order-4711",
      description:
        "A name for this request, for 24 h: the same one again is answered the same, and done once",
    }),
});

/** What a request is known by: the same request of the same key on the same route under the same `Idempotency-Key`. */
export function requestIdOf(keyId: string, route: string, key: string): string {
  return `${keyId} ${route} ${key}`;
}

/** Tells two requests under one id apart: SHA-256, hex, of the JSON whatever the order of its fields, and the query. */
export async function requestHash(id: string, query: string, json: string): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify([id, query, canonical(json)]));
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** What is nested too deeply to be put in order will be refused, and is as it is until then. */
function canonical(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json), sortedFields);
  } catch (error) {
    if (error instanceof RangeError) return json;
    throw error;
  }
}

function sortedFields(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
