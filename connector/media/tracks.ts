import { BoxFile, type ReadHeader } from "./boxes.ts";

/** The kinds of track that a container holds, whatever its name says. Both are false when nothing could be found out. */
export interface Tracks {
  hasVideo: boolean;
  hasAudio: boolean;
}

/** ISO 14496-12: each track (`trak`) of a movie (`moov`) names its kind in a handler box (`hdlr`). */
export async function mp4Tracks(path: string): Promise<Tracks> {
  await using file = await BoxFile.open(path, mp4Header);
  const kinds = new Set<string>();
  for await (const handler of file.find(["moov", "trak", "mdia", "hdlr"]))
    kinds.add((await file.read(handler, 12)).toString("latin1", 8));
  return { hasVideo: kinds.has("vide"), hasAudio: kinds.has("soun") };
}

/** RFC 9559: each TrackEntry (AE) of the Segment's Tracks has a TrackType (83), 1 for video and 2 for audio. */
export async function matroskaTracks(path: string): Promise<Tracks> {
  await using file = await BoxFile.open(path, matroskaHeader);
  const kinds = new Set<number>();
  for await (const type of file.find(["18538067", "1654ae6b", "ae", "83"])) {
    const bytes = await file.read(type, 6);
    kinds.add(bytes.length === 0 ? 0 : bytes.readUIntBE(0, bytes.length));
  }
  return { hasVideo: kinds.has(1), hasAudio: kinds.has(2) };
}

/** Size and type, 4 bytes each; size 1: the size follows in 8 bytes; size 0: up to the end. */
const mp4Header: ReadHeader = (bytes) => {
  if (bytes.length < 8) return null;
  const size = bytes.readUInt32BE(0);
  const type = bytes.toString("latin1", 4, 8);
  if (size === 0) return { type, start: 8, end: Number.MAX_SAFE_INTEGER };
  if (size !== 1) return size < 8 ? null : { type, start: 8, end: size };
  if (bytes.length < 16) return null;
  const large = Number(bytes.readBigUInt64BE(8));
  return large < 16 ? null : { type, start: 16, end: large };
};

/** An id of up to 4 bytes, then a size of up to 8, whose first bits tell their lengths; a size of ones: up to the end. */
const matroskaHeader: ReadHeader = (bytes) => {
  const idLength = Math.clz32(bytes[0] ?? 0) - 23;
  const sizeLength = Math.clz32(bytes[idLength] ?? 0) - 23;
  const start = idLength + sizeLength;
  if (idLength > 4 || sizeLength > 8 || bytes.length < start) return null;
  const type = bytes.toString("hex", 0, idLength);
  const marked = BigInt(`0x${bytes.toString("hex", idLength, start)}`);
  const mask = (1n << BigInt(7 * sizeLength)) - 1n;
  const size = marked & mask;
  return { type, start, end: size === mask ? Number.MAX_SAFE_INTEGER : start + Number(size) };
};
