import { z } from "@hono/zod-openapi";

/** `Number` would also accept `0x10`, `1e1` and spaces. */
const fromDigits = (text: unknown) =>
  typeof text === "string" && /^\d{1,9}$/.test(text) ? Number(text) : text;

/** The `limit` of most lists: 1 to 200 rows a page. */
export const listLimit = limitUpTo(200);

/** A `limit` of 1 to `max` rows a page; the default is 50. */
export function limitUpTo(max: number) {
  return z.preprocess(fromDigits, z.int().min(1).max(max)).default(50);
}

/** Encodes the last id of a page as the opaque cursor of the next page. */
export function cursorOf(lastId: string): string {
  return Buffer.from(lastId).toString("base64url");
}

/** Ids are UUIDs. */
const idPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Decodes a cursor to the id that `cursorOf` encoded. */
export const cursorSchema = z.string().transform((cursor, context) => {
  const lastId = Buffer.from(cursor, "base64url").toString();
  if (idPattern.test(lastId) && cursorOf(lastId) === cursor) return lastId;
  context.addIssue({ code: "custom", message: "must be a nextCursor of this list" });
  return z.NEVER;
});
