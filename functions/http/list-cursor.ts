import { z } from "@hono/zod-openapi";

/** `Number` would also read `0x10`, `1e1` and spaces. */
const fromDigits = (text: unknown) =>
  typeof text === "string" && /^\d{1,9}$/.test(text) ? Number(text) : text;

/** How many rows a page of a list may have. */
export const listLimit = limitUpTo(200);

/** How many rows a page may have: 50 unless told. */
export function limitUpTo(max: number) {
  return z.preprocess(fromDigits, z.int().min(1).max(max)).default(50);
}

/** Where the next page of a list starts, opaque to callers. */
export function cursorOf(lastId: string): string {
  return Buffer.from(lastId).toString("base64url");
}

/** Ids are UUIDs. */
const idPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Becomes the id that `cursorOf` was given. */
export const cursorSchema = z.string().transform((cursor, context) => {
  const lastId = Buffer.from(cursor, "base64url").toString();
  if (idPattern.test(lastId) && cursorOf(lastId) === cursor) return lastId;
  context.addIssue({ code: "custom", message: "must be a nextCursor of this list" });
  return z.NEVER;
});
