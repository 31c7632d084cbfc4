import { writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { mediaTypeOf } from "#connector/media/media-type.ts";
import { temporaryFile } from "#connector/media/temporary-file.ts";
import { mediaKinds } from "#shared/content.ts";
import { ftyp, matroska, mp4, ogg } from "./containers.fixture.ts";
import { png, webp } from "./media-server.fixture.ts";

const files = {
  png,
  webp,
  jpeg: Buffer.from("ffd8ffe000104a46494600010100000100010000", "hex"),
  gif: Buffer.from("GIF89a\x01\0\x01\0\0\0\0;", "latin1"),
  mp4: mp4("isom", "vide", "soun"),
  "silent mp4": mp4("mp42", "vide"),
  "mp4 with unreadable tracks": ftyp("isom"),
  "mp4 with sound alone": mp4("mp42", "soun"),
  "m4v with sound alone": mp4("M4V ", "soun", "text"),
  m4a: mp4("M4A ", "soun"),
  "m4a with pictures": mp4("M4A ", "soun", "vide"),
  "m4a without sound": mp4("M4A ", "vide"),
  "3gp": mp4("3gp4", "soun", "vide"),
  "3gp with sound alone": mp4("3gp4", "soun"),
  opus: ogg("OpusHead"),
  vorbis: ogg("\x01vorbis"),
  "opus behind an index": ogg("fishead\0", "OpusHead"),
  "theora with opus": ogg("OpusHead", "\x80theora"),
  "vorbis with theora": ogg("\x01vorbis", "\x80theora"),
  webm: matroska("webm", 1, 2),
  "webm with sound alone": matroska("webm", 2),
  mkv: matroska("matroska", 2, 17, 1),
  "mkv with sound alone": matroska("matroska", 17, 2),
  mp3: Buffer.concat([
    Buffer.from("ID3\x03\0\0\0\0\0\0", "latin1"),
    Buffer.from("fffb9000", "hex"),
    Buffer.alloc(500),
  ]),
  amr: Buffer.from("#!AMR\n\0\0\0\0\0\0", "latin1"),
  pdf: Buffer.from("%PDF-1.7\n%\xe2\xe3\n", "latin1"),
  html: Buffer.from("<!doctype html><script>1</script>"),
  svg: Buffer.from('<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>'),
  text: Buffer.from("hello"),
};

/** The types that each kind accepts. A document accepts all. */
const accepted: Record<(typeof mediaKinds)[number], Partial<Record<keyof typeof files, string>>> = {
  image: { png: "image/png", webp: "image/webp", jpeg: "image/jpeg" },
  video: {
    mp4: "video/mp4",
    "silent mp4": "video/mp4",
    "mp4 with unreadable tracks": "video/mp4",
    "m4a without sound": "video/mp4",
    "3gp": "video/3gpp",
  },
  audio: {
    m4a: "audio/mp4",
    "m4a with pictures": "audio/mp4",
    "mp4 with sound alone": "audio/mp4",
    "m4v with sound alone": "audio/mp4",
    "3gp with sound alone": "audio/3gpp",
    opus: "audio/ogg; codecs=opus",
    "opus behind an index": "audio/ogg; codecs=opus",
    vorbis: "audio/ogg",
    mp3: "audio/mpeg",
    amr: "audio/amr",
  },
  voice: { opus: "audio/ogg; codecs=opus", "opus behind an index": "audio/ogg; codecs=opus" },
  sticker: { webp: "image/webp" },
  document: {
    png: "image/png",
    webp: "image/webp",
    jpeg: "image/jpeg",
    gif: "image/gif",
    mp4: "video/mp4",
    "silent mp4": "video/mp4",
    "mp4 with unreadable tracks": "video/mp4",
    "mp4 with sound alone": "audio/mp4",
    "m4v with sound alone": "audio/mp4",
    m4a: "audio/x-m4a",
    "m4a with pictures": "audio/x-m4a",
    "m4a without sound": "video/mp4",
    "3gp": "video/3gpp",
    "3gp with sound alone": "audio/3gpp",
    opus: "audio/ogg; codecs=opus",
    vorbis: "audio/ogg",
    "opus behind an index": "audio/ogg; codecs=opus",
    "theora with opus": "video/ogg",
    "vorbis with theora": "video/ogg",
    webm: "video/webm",
    "webm with sound alone": "audio/webm",
    mkv: "video/matroska",
    "mkv with sound alone": "audio/matroska",
    mp3: "audio/mpeg",
    amr: "audio/amr",
    pdf: "application/pdf",
    html: "application/octet-stream",
    svg: "application/xml",
    text: "application/octet-stream",
  },
};

const names = Object.keys(files) as (keyof typeof files)[];
const pairs = mediaKinds.flatMap((kind) => names.map((name) => ({ kind, name, type: accepted[kind][name] })));

test.each(pairs)("a file of type $name as $kind has media type $type", async ({ kind, name, type }) => {
  await using file = await temporaryFile();
  await writeFile(file.path, files[name]);
  const detected = mediaTypeOf(file.path, kind, null);
  if (type) expect(await detected).toBe(type);
  else await expect(detected).rejects.toMatchObject({ code: "media_type_mismatch" });
});

test.each([
  ["text", "text/csv", "text/csv"],
  ["svg", "image/svg+xml", "image/svg+xml"],
  ["pdf", "text/html", "application/pdf"],
  ["text", "not a type\r\n", "application/octet-stream"],
] as const)("a document of type %s with Content-Type %j has media type %s", async (name, declared, type) => {
  await using file = await temporaryFile();
  await writeFile(file.path, files[name]);
  expect(await mediaTypeOf(file.path, "document", declared)).toBe(type);
});
