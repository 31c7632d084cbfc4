import { z } from "@hono/zod-openapi";
import type { IdempotencyKeyDocument } from "#shared/collections.ts";

/** A request under an `Idempotency-Key` and its decision: accepted with these ids, or refused. */
export type KeyedRequest = Pick<IdempotencyKeyDocument, "hash" | "doneAt"> &
  (
    | { ids: Record<string, string>; refusal?: never }
    | { refusal: NonNullable<IdempotencyKeyDocument["refusal"]>; ids?: never }
  );

/** Stores keyed requests for 24 h. Reads return only rows that a majority has, which survive the loss of a server. */
export interface KeyedRequests {
  findRequest(id: string): Promise<KeyedRequest | null>;
  /** Stores the request and returns null, unless an earlier one exists: then the earlier one counts and is returned. */
  rememberRequest(id: string, request: KeyedRequest): Promise<KeyedRequest | null>;
  /** Turns an accepted request into a refused one. */
  refuseRequest(id: string, refusal: NonNullable<KeyedRequest["refusal"]>): Promise<void>;
  /** Records when the request created its resource. */
  finishRequest(id: string, doneAt: Date): Promise<void>;
}

/** Printable ASCII, which all programs read alike. HTTP removes spaces at both ends. */
const keyPattern = /^[\x20-\x7e]{1,255}$/;

/** Whether an `Idempotency-Key` is valid; validation refuses others together with the invalid fields. */
export function isIdempotencyKey(key: string): boolean {
  return keyPattern.test(key);
}

/** The header in route descriptions. */
export const idempotencyHeader = z.object({
  "idempotency-key": z
    .string()
    .regex(keyPattern, "must be 1 to 255 printable ASCII characters")
    .optional()
    .openapi({
      example: "order-4711",
      description:
        "Identifies this request for 24 h: repeating it has no second effect and gets the same answer",
    }),
});

/**
 * Returns the id of a request: one for each API key, route and `Idempotency-Key`. The first two have no spaces but the
 * one after the method, so no other key and route make the same id.
 */
export function requestIdOf(keyId: string, route: string, key: string): string {
  return `${keyId} ${route} ${key}`;
}

/** Hashes id, query and JSON body to hex SHA-256, so that another request under the same id is recognised. */
export async function requestHash(id: string, query: string, json: string): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify([id, query, canonical(json)]));
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Sorts the fields of all objects. Falls back to the raw JSON when it is nested too deeply; validation rejects such a
 * request anyway.
 */
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
