import { createHash } from "node:crypto";

/**
 * The position of a reader of all channels' events. A row may appear after rows with a higher `ord` were read, so the
 * cursor settles only some seconds in the past; for the rows read after that point it keeps the last `seq` per channel.
 */
export interface EventCursor {
  /** Everything up to this `ord` has been read, and no further rows will appear there. */
  settled: bigint;
  /** Nothing after this `ord` has been read. */
  newest: bigint;
  /** By `channelKey`: the highest `seq` read among the rows after `settled`. */
  seen: ReadonlyMap<string, number>;
}

/** The most channels in a cursor, which keeps it to about 5,000 characters and so within any URL. */
export const seenMax = 256;

const version = 1;
const headBytes = 17;
const keyBytes = 8;
const seqBytes = 6;
const entryBytes = keyBytes + seqBytes;

/** Returns the short hash that names a channel in a cursor. */
export function channelKey(channelId: string): string {
  return createHash("sha256")
    .update(channelId)
    .digest("hex")
    .slice(0, keyBytes * 2);
}

/** Encodes a cursor as the opaque text that callers get. */
export function encodeCursor({ settled, newest, seen }: EventCursor): string {
  const bytes = Buffer.alloc(headBytes + seen.size * entryBytes);
  bytes.writeUInt8(version, 0);
  bytes.writeBigUInt64BE(settled, 1);
  bytes.writeBigUInt64BE(newest, 9);
  let at = headBytes;
  for (const [key, seq] of seen) {
    bytes.write(key, at, "hex");
    bytes.writeUIntBE(seq, at + keyBytes, seqBytes);
    at += entryBytes;
  }
  return bytes.toString("base64url");
}

/** Decodes a cursor; null for text that `encodeCursor` never returned. */
export function decodeCursor(text: string): EventCursor | null {
  const bytes = Buffer.from(text, "base64url");
  const entries = (bytes.length - headBytes) / entryBytes;
  if (!Number.isInteger(entries) || entries < 0 || bytes.readUInt8(0) !== version) return null;
  if (bytes.toString("base64url") !== text) return null;
  const seen = new Map<string, number>();
  for (let at = headBytes; at < bytes.length; at += entryBytes) {
    seen.set(bytes.toString("hex", at, at + keyBytes), bytes.readUIntBE(at + keyBytes, seqBytes));
  }
  return { settled: bytes.readBigUInt64BE(1), newest: bytes.readBigUInt64BE(9), seen };
}
