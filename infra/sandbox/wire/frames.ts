import { introduction } from "./noise.ts";

const lengthBytes = 3;
/**
 * The most that a client may send at once. Media travels over HTTPS and history comes from the phone, so the largest frame
 * is a message with a copy for each of some thousand devices.
 */
export const frameBytesMax = 1024 * 1024;
const routingHeader = Buffer.from("ED\x00\x01");

/** Takes bytes in whatever pieces they arrive, and returns the frames that are complete. */
export type FrameReader = (chunk: Buffer) => Buffer[];

/**
 * Expects a connection to begin with the introduction, after routing data if the server once gave some. Throws otherwise,
 * and when a frame is too large.
 */
export function createFrameReader(): FrameReader {
  let pending: Buffer = Buffer.alloc(0);
  let isIntroduced = false;
  return (chunk) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    if (!isIntroduced) {
      const rest = afterIntroduction(pending);
      if (!rest) return [];
      pending = rest;
      isIntroduced = true;
    }
    const frames: Buffer[] = [];
    while (pending.length >= lengthBytes) {
      const end = lengthBytes + boundedLength(pending, 0);
      if (pending.length < end) break;
      frames.push(pending.subarray(lengthBytes, end));
      pending = pending.subarray(end);
    }
    return frames;
  };
}

export function frame(payload: Buffer): Buffer {
  const header = Buffer.alloc(lengthBytes);
  header.writeUIntBE(payload.length, 0, lengthBytes);
  return Buffer.concat([header, payload]);
}

function afterIntroduction(bytes: Buffer): Buffer | null {
  const start = bytes.indexOf("ED") === 0 ? afterRouting(bytes) : 0;
  if (start === null || bytes.length < start + introduction.length) return null;
  const end = start + introduction.length;
  if (!bytes.subarray(start, end).equals(introduction)) throw new Error("not a WhatsApp client");
  return bytes.subarray(end);
}

function afterRouting(bytes: Buffer): number | null {
  const start = routingHeader.length + lengthBytes;
  return bytes.length < start ? null : start + boundedLength(bytes, routingHeader.length);
}

function boundedLength(bytes: Buffer, at: number): number {
  const length = bytes.readUIntBE(at, lengthBytes);
  if (length > frameBytesMax) throw new Error(`a frame of more than ${frameBytesMax} bytes`);
  return length;
}
