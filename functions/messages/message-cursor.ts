import { z } from "@hono/zod-openapi";

/** A place in a channel's list of messages: those that are older than the message there, or newer. */
export interface MessagePlace {
  direction: "older" | "newer";
  sentAt: Date;
  /** The id of its row. */
  rowId: string;
}

const pattern = /^(older|newer) (\d{1,15}) (.+)$/s;

/** Encodes a place as the opaque cursor of the next page. */
export function messageCursorOf({ direction, sentAt, rowId }: MessagePlace): string {
  return Buffer.from(`${direction} ${sentAt.getTime()} ${rowId}`).toString("base64url");
}

/** Decodes a cursor to the place that `messageCursorOf` encoded. */
export const messageCursorSchema = z.string().transform((cursor, context): MessagePlace => {
  const [, direction, sentAt, rowId = ""] = pattern.exec(Buffer.from(cursor, "base64url").toString()) ?? [];
  const place = {
    direction: direction === "newer" ? "newer" : "older",
    sentAt: new Date(Number(sentAt)),
    rowId,
  } as const;
  if (direction !== undefined && messageCursorOf(place) === cursor) return place;
  context.addIssue({ code: "custom", message: "must be a nextCursor of this list" });
  return z.NEVER;
});
