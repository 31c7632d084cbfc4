import { z } from "@hono/zod-openapi";

/** A place in a channel's list of commands: `ord` in hex, then the id after its type (`s` string, `o` ObjectId). */
const placePattern = /^[0-9a-f]{16} (o[0-9a-f]{24}|s.+)$/s;

/** Encodes a place as the opaque cursor of the next page. */
export function commandCursorOf(place: string): string {
  return Buffer.from(place).toString("base64url");
}

/** Decodes a cursor to the place that `commandCursorOf` encoded. */
export const commandCursorSchema = z.string().transform((cursor, context) => {
  const place = Buffer.from(cursor, "base64url").toString();
  if (placePattern.test(place) && commandCursorOf(place) === cursor) return place;
  context.addIssue({ code: "custom", message: "must be a nextCursor of this list" });
  return z.NEVER;
});
