import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { oggStreams } from "#connector/media/ogg-streams.ts";
import { matroskaTracks, mp4Tracks } from "#connector/media/tracks.ts";
import { temporaryFolder } from "#test/support/temporary-folder.ts";
import { box, element, ftyp, matroska, mp4, ogg, page, trak } from "./containers.fixture.ts";

const readers = { mp4Tracks, matroskaTracks, oggStreams };

/** Reads a file with these bytes. */
async function found<T>(read: (path: string) => Promise<T>, bytes: Uint8Array): Promise<T> {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "media");
  await writeFile(path, bytes);
  return await read(path);
}

const nothing = { hasVideo: false, hasAudio: false };
const soundAlone = { hasVideo: false, hasAudio: true };

/** A box whose size field is not its size. */
function sized(size: number, type: string, contents: Uint8Array): Buffer {
  const bytes = box(type, contents);
  bytes.writeUInt32BE(size);
  return bytes;
}

/** The size field says 1: the real one follows in 8 bytes. */
function large(size: bigint, type: string, contents: Uint8Array): Buffer {
  const extended = Buffer.alloc(8);
  extended.writeBigUInt64BE(size);
  return sized(1, type, Buffer.concat([extended, contents]));
}

test("tracks are found wherever the movie lies, in boxes of every form of size", async () => {
  const tracks = trak("soun");
  const contents = Buffer.concat([ftyp("isom"), large(16n + 4n, "mdat", Buffer.alloc(4))]);
  expect(await found(mp4Tracks, mp4("isom", "soun"))).toEqual(soundAlone);
  expect(await found(mp4Tracks, Buffer.concat([contents, sized(0, "moov", tracks)]))).toEqual(soundAlone);
  const long = large(BigInt(16 + tracks.length), "moov", tracks);
  expect(await found(mp4Tracks, Buffer.concat([contents, long, box("mdat")]))).toEqual(soundAlone);
});

test.each([
  ["no movie", ftyp("isom")],
  ["a movie that is cut off", mp4("isom", "soun").subarray(0, -80)],
  [
    "a box smaller than its header",
    Buffer.concat([ftyp("isom"), sized(7, "free", Buffer.alloc(20)), box("moov", trak("soun"))]),
  ],
  [
    "a box larger than any file",
    Buffer.concat([ftyp("isom"), large(2n ** 64n - 1n, "free", Buffer.alloc(20)), box("moov", trak("soun"))]),
  ],
  [
    "a large box smaller than its header",
    Buffer.concat([large(15n, "free", Buffer.alloc(20)), box("moov", trak("soun"))]),
  ],
  ["a handler that is cut off", box("moov", box("trak", box("mdia", box("hdlr", Buffer.alloc(9)))))],
  ["tracks outside the movie", Buffer.concat([ftyp("isom"), trak("soun")])],
  [
    "more boxes than are read before the movie",
    Buffer.concat([...Array.from({ length: 1_000 }, () => box("free")), box("moov", trak("soun"))]),
  ],
  ["an endless movie in a movie", sized(0, "moov", sized(0, "moov", sized(0, "moov", trak("soun"))))],
])("an MP4 file with %s has no tracks that could be read", async (_, bytes) => {
  expect(await found(mp4Tracks, bytes)).toEqual(nothing);
});

test("a track that claims to be larger than its movie shows nothing of what follows the movie", async () => {
  const trackOfMovie = sized(10_000, "trak", box("mdia", Buffer.alloc(0)));
  const bytes = Buffer.concat([ftyp("isom"), box("moov", trackOfMovie), trak("vide")]);
  expect(await found(mp4Tracks, bytes)).toEqual(nothing);
});

test.each([
  ["no tracks", element("1a45dfa3"), nothing],
  ["a track type that is cut off", matroska("webm", 2).subarray(0, 100), nothing],
  ["an impossible id", Buffer.concat([Buffer.from([0]), matroska("webm", 2)]), nothing],
  [
    "a type in more bytes than there are types",
    element("18538067", element("1654ae6b", element("ae", element("83", Buffer.alloc(9, 2))))),
    nothing,
  ],
  ["sound", matroska("webm", 2), soundAlone],
])("a Matroska file with %s is read within bounds", async (_, bytes, tracks) => {
  expect(await found(matroskaTracks, bytes)).toEqual(tracks);
});

test("only the first pages of an Ogg file name its streams, and only within its first 64 KB", async () => {
  expect(await found(oggStreams, ogg("fishead\0", "OpusHead"))).toEqual(new Set(["opus"]));
  const late = Buffer.concat([page("OpusHead"), page("more", false), page("\x80theora")]);
  expect(await found(oggStreams, late)).toEqual(new Set(["opus"]));
  const many = Buffer.concat(Array.from({ length: 5_000 }, () => page("OpusHead")));
  expect(await found(oggStreams, Buffer.concat([many, page("\x80theora")]))).toEqual(new Set(["opus"]));
});

test("whatever bytes a file has, reading its tracks ends without an error", {
  timeout: 120_000,
}, async () => {
  const samples = [mp4("isom", "vide", "soun"), matroska("webm", 1, 2), ogg("OpusHead", "\x80theora")];
  const changes = fc.array(fc.tuple(fc.nat(1_000), fc.integer({ min: 0, max: 255 })), { maxLength: 12 });
  const changed = fc.tuple(fc.constantFrom(...samples), changes).map(([sample, edits]) => {
    const bytes = Buffer.from(sample);
    for (const [at, value] of edits) bytes[at % bytes.length] = value;
    return bytes;
  });
  const bytes = fc.oneof(fc.uint8Array({ maxLength: 600 }), changed);
  await using folder = await temporaryFolder();
  const path = join(folder.path, "media");
  await fc.assert(
    fc.asyncProperty(bytes, async (content) => {
      await writeFile(path, content);
      for (const read of Object.values(readers)) await read(path);
    }),
    { numRuns: 300 },
  );
});
