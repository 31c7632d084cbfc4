import { z } from "@hono/zod-openapi";

/** Where the next page of a list starts, opaque to callers. */
export function cursorOf(lastId: string): string {
  return Buffer.from(lastId).toString("base64url");
}

/** Becomes the id that `cursorOf` was given. */
export const cursorSchema = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,200}$/, "must be a nextCursor of this list")
  .transform((cursor) => Buffer.from(cursor, "base64url").toString());
