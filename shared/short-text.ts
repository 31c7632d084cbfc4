import type { Document } from "mongodb";

/** Tells, on the server, whether a field such as `$_id` is text of at most `bytesMax` bytes. */
export function isShortText(field: string, bytesMax: number): Document {
  const isText = { $eq: [{ $type: field }, "string"] };
  // The server evaluates both branches, and counts bytes of text only.
  return { $and: [isText, { $lte: [{ $strLenBytes: { $cond: [isText, field, ""] } }, bytesMax] }] };
}
