import { writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { mediaTypeOf } from "#connector/media/media-type.ts";
import { temporaryFile } from "#connector/media/temporary-file.ts";
import { mediaKinds } from "#shared/content.ts";
import { png, webp } from "./media-server.fixture.ts";

function ftyp(brand: string): Buffer {
  const box = Buffer.from(`\0\0\0\x14ftyp${brand}\0\0\0\0${brand}`, "latin1");
  return Buffer.concat([box, Buffer.alloc(64)]);
}

function ogg(codec: string): Buffer {
  const page = Buffer.alloc(64);
  page.write("OggS", 0, "latin1");
  page.write(codec, 28, "latin1");
  return page;
}

const files = {
  png,
  webp,
  jpeg: Buffer.from("ffd8ffe000104a46494600010100000100010000", "hex"),
  gif: Buffer.from("GIF89a\x01\0\x01\0\0\0\0;", "latin1"),
  mp4: ftyp("isom"),
  m4a: ftyp("M4A "),
  opus: ogg("OpusHead"),
  vorbis: ogg("\x01vorbis"),
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
  video: { mp4: "video/mp4" },
  audio: {
    m4a: "audio/mp4",
    opus: "audio/ogg; codecs=opus",
    vorbis: "audio/ogg",
    mp3: "audio/mpeg",
    amr: "audio/amr",
  },
  voice: { opus: "audio/ogg; codecs=opus" },
  sticker: { webp: "image/webp" },
  document: {
    png: "image/png",
    webp: "image/webp",
    jpeg: "image/jpeg",
    gif: "image/gif",
    mp4: "video/mp4",
    m4a: "audio/x-m4a",
    opus: "audio/ogg; codecs=opus",
    vorbis: "audio/ogg",
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
