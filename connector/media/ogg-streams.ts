// cspell:ignore BBCD

import { open } from "node:fs/promises";

/** The kind of a stream in an Ogg file. */
export type OggStream = "opus" | "audio" | "video";

/** How the first packet of a stream begins, by codec. Others, such as an index of the file, are neither. */
const beginnings: readonly (readonly [string, OggStream])[] = [
  ["OpusHead", "opus"],
  ["\x01vorbis", "audio"],
  ["\x7fFLAC", "audio"],
  ["Speex   ", "audio"],
  ["\x80theora", "video"],
  ["\x01video\0", "video"],
  ["OVP80", "video"],
  ["BBCD\0", "video"],
];

const bytesMax = 64 * 1024;
const headerBytes = 27;
const beginsStream = 2;

/** RFC 3533: the pages that begin the streams come first, so the first 64 KB tell all of them. */
export async function oggStreams(path: string): Promise<Set<OggStream>> {
  const bytes = await beginningOf(path);
  const streams = new Set<OggStream>();
  for (let at = 0; at + headerBytes <= bytes.length; ) {
    const isFirstPage =
      bytes.toString("latin1", at, at + 4) === "OggS" && ((bytes[at + 5] ?? 0) & beginsStream) > 0;
    if (!isFirstPage) break;
    const segments = bytes.subarray(at + headerBytes, at + headerBytes + (bytes[at + 26] ?? 0));
    const packet = at + headerBytes + segments.length;
    const stream = streamOf(bytes.toString("latin1", packet, packet + 8));
    if (stream) streams.add(stream);
    at = packet + segments.reduce((sum, length) => sum + length, 0);
  }
  return streams;
}

function streamOf(packet: string): OggStream | null {
  return beginnings.find(([beginning]) => packet.startsWith(beginning))?.[1] ?? null;
}

async function beginningOf(path: string): Promise<Buffer> {
  await using file = await open(path);
  const { bytesRead, buffer } = await file.read(Buffer.alloc(bytesMax), 0, bytesMax, 0);
  return buffer.subarray(0, bytesRead);
}
