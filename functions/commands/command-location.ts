import { z } from "@hono/zod-openapi";

/** A place in a channel's list of commands: the order in hex, and the id with its kind (`s` text, `o` ObjectId). */
const placePattern = /^[0-9a-f]{16} (o[0-9a-f]{24}|s.+)$/s;

/** Where the next page starts, opaque to callers. */
export function commandCursorOf(place: string): string {
  return Buffer.from(place).toString("base64url");
}

/** Becomes the place that `commandCursorOf` was given. */
export const commandCursorSchema = z.string().transform((cursor, context) => {
  const place = Buffer.from(cursor, "base64url").toString();
  if (placePattern.test(place) && commandCursorOf(place) === cursor) return place;
  context.addIssue({ code: "custom", message: "must be a nextCursor of this list" });
  return z.NEVER;
});
