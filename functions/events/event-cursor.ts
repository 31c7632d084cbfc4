import { createHash } from "node:crypto";

/**
 * Where a reader of all channels' events stands. Rows may appear behind others with a higher `ord`, so the place where
 * nothing appears any more lies some seconds back; of what was read after it, the last number of each channel is kept.
 */
export interface EventCursor {
  /** Everything up to this `ord` has been read, and nothing will appear there any more. */
  settled: bigint;
  /** Nothing after this `ord` has been read. */
  newest: bigint;
  /** By `channelKey`: of the rows after `settled`, those up to this `seq` have been read. */
  seen: ReadonlyMap<string, number>;
}

/** Channels a cursor remembers at most, so that it fits into any address: about 5,000 characters. */
export const seenMax = 256;

const version = 1;
const headBytes = 17;
const keyBytes = 8;
const seqBytes = 6;
const entryBytes = keyBytes + seqBytes;

/** Names a channel in a cursor. */
export function channelKey(channelId: string): string {
  return createHash("sha256")
    .update(channelId)
    .digest("hex")
    .slice(0, keyBytes * 2);
}

/** The cursor as callers get it, opaque. */
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

/** What `encodeCursor` was given; null when it never gave this. */
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
