import { BSON, type Document, type Long } from "mongodb";
import { idHashExpression } from "./command-address.ts";

/**
 * A document that another service may have written, read on its own: one that cannot be read stops no other. The driver
 * throws away a whole batch for one text that is not UTF-8, which Go's and C's drivers write.
 */
export interface StoredDocument {
  idHash: Long;
  /** The facts that were projected beside the document. */
  facts: Document;
  /** Null when it is too large or cannot be read. */
  document: Document | null;
  /** The fields of a command that make it unreadable; empty if it is another one. */
  unreadable: string[];
}

/** A request of the largest size makes a command that is a little larger. */
export const commandBytesMax = 2 * 1_048_576;

/** Projects each document, unless it is larger than `bytesMax`, for `readStoredDocument`. Read with `raw`. */
export function asStored(bytesMax: number, facts: Document = {}): Document {
  const document = { $cond: [{ $lte: [{ $bsonSize: "$$ROOT" }, bytesMax] }, "$$ROOT", null] };
  return { _id: 0, idHash: idHashExpression, document, ...facts };
}

/** Reads what `asStored` projected; the cursor must have been opened with `raw`. */
export async function readStoredDocuments(cursor: {
  toArray(): Promise<unknown[]>;
}): Promise<StoredDocument[]> {
  return (await cursor.toArray()).map((bytes) => readStoredDocument(bytes as Uint8Array));
}

/** Reads one document from the bytes of its projection. */
export function readStoredDocument(bytes: Uint8Array): StoredDocument {
  // `raw` leaves the document itself unread.
  const { idHash, document, ...facts } = BSON.deserialize(bytes, { raw: true });
  const stored = { idHash: idHash as Long, facts };
  if (!(document instanceof Uint8Array)) return { ...stored, document: null, unreadable: [] };
  const read = tryRead(document, true);
  return { ...stored, document: read, unreadable: read ? [] : unreadableFields(document) };
}

const documentedFields = [
  "_id",
  "channelId",
  "type",
  "payload",
  "messageId",
  "lane",
  "notBefore",
  "expiresAt",
  "state",
];

function unreadableFields(bytes: Uint8Array): string[] {
  if (!tryRead(bytes, false)) return [];
  return documentedFields.filter((field) => tryRead(bytes, { [field]: true }) === null);
}

/** Keeps regular expressions as data: JavaScript cannot compile every one. */
function tryRead(bytes: Uint8Array, utf8: boolean | Record<string, true>): Document | null {
  try {
    return BSON.deserialize(bytes, { bsonRegExp: true, validation: { utf8 } });
  } catch {
    return null;
  }
}
