import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { expect, test } from "vitest";
import type { FetchedMedia } from "#connector/media/fetched-media.ts";
import { mediaToWhatsApp, textToWhatsApp } from "#connector/messages/to-whatsapp.ts";
import type { MediaContent } from "#shared/content.ts";
import { temporaryFolder } from "#test/support/temporary-folder.ts";

const bytes = Buffer.from("89504e470d0a1a0a", "hex");
const source = { url: "https://files.example.com/a" };

test("a text is converted without a link preview, so that nothing fetches its URLs", () => {
  expect(textToWhatsApp("see https://example.com")).toEqual({
    text: "see https://example.com",
    linkPreview: null,
  });
});

const mimetype = "application/x-test";
/** The content, the served file name, Baileys' key for the media, and its other fields. */
const rows: Array<[MediaContent, string, string, object]> = [
  [{ type: "image", media: source, caption: "look" }, "served.bin", "image", { mimetype, caption: "look" }],
  [{ type: "image", media: source }, "served.bin", "image", { mimetype }],
  [{ type: "video", media: source, caption: "look" }, "served.bin", "video", { mimetype, caption: "look" }],
  [{ type: "audio", media: source }, "served.bin", "audio", { mimetype }],
  [{ type: "voice", media: source }, "served.bin", "audio", { mimetype, ptt: true }],
  [
    { type: "document", media: source, fileName: "mine.pdf" },
    "served.bin",
    "document",
    { mimetype, fileName: "mine.pdf" },
  ],
  [{ type: "document", media: source }, "served.bin", "document", { mimetype, fileName: "served.bin" }],
  [{ type: "sticker", media: source }, "served.bin", "sticker", { mimetype }],
];

test.each(rows)(
  "%j, served as %s, becomes a stream of the fetched file",
  async (content, fileName, key, rest) => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, "file");
    await writeFile(path, bytes);
    const media: FetchedMedia = {
      path,
      mimetype,
      sizeBytes: bytes.length,
      fileName,
      [Symbol.asyncDispose]: async () => undefined,
    };
    const { [key]: file, ...others } = mediaToWhatsApp(content, media) as Record<string, unknown>;
    expect(others).toEqual(rest);
    const { stream, ...nothingElse } = file as { stream: unknown };
    expect(nothingElse).toEqual({});
    if (!(stream instanceof Readable)) throw new Error("The file is not a stream");
    expect(await buffer(stream)).toEqual(bytes);
  },
);
