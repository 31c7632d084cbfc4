import { expect, test } from "vitest";
import { type Content, contentSchema, mediaKinds } from "#shared/content.ts";
import { fieldProblems } from "#shared/validation.ts";

const media = { url: "https://example.com/image.jpg" };

function fieldsOf(content: unknown): string[] {
  const { error } = contentSchema.safeParse(content);
  return error ? fieldProblems(error).map(({ field }) => field) : [];
}

test.each<[string, Content]>([
  ["a text", { type: "text", text: "x" }],
  ["a text of 4,096 characters", { type: "text", text: "x".repeat(4_096) }],
  ["a caption of 1,024 characters", { type: "image", media, caption: "x".repeat(1_024) }],
  ["an empty caption", { type: "video", media, caption: "" }],
  ["a document with its name", { type: "document", media, caption: "x", fileName: "a.pdf" }],
])("%s is accepted unchanged", (_, content) => {
  expect(contentSchema.parse(content)).toEqual(content);
});

test.each(mediaKinds)("%s is a kind of media content", (type) => {
  expect(fieldsOf({ type, media })).toEqual([]);
  expect(fieldsOf({ type })).toEqual(["media"]);
  expect(fieldsOf({ type, media, text: "x" })).toEqual(["text"]);
});

test.each<[string, unknown, string[]]>([
  ["an empty text", { type: "text", text: "" }, ["text"]],
  ["a text of 4,097 characters", { type: "text", text: "x".repeat(4_097) }, ["text"]],
  ["a text that is a number", { type: "text", text: 5 }, ["text"]],
  ["a text with media", { type: "text", text: "x", media }, ["media"]],
  ["a caption of 1,025 characters", { type: "image", media, caption: "x".repeat(1_025) }, ["caption"]],
  ["an audio with a caption", { type: "audio", media, caption: "x" }, ["caption"]],
  ["a voice note with a caption", { type: "voice", media, caption: "x" }, ["caption"]],
  ["a sticker with a caption", { type: "sticker", media, caption: "x" }, ["caption"]],
  ["an image with a file name", { type: "image", media, fileName: "a.png" }, ["fileName"]],
  ["a file name of 256 characters", { type: "document", media, fileName: "x".repeat(256) }, ["fileName"]],
  ["a lone surrogate in a text", { type: "text", text: "x\ud800" }, ["text"]],
  ["a lone surrogate in a caption", { type: "image", media, caption: "\udc00" }, ["caption"]],
  ["a lone surrogate in a file name", { type: "document", media, fileName: "\udc00" }, ["fileName"]],
  ["a file name that is a path", { type: "document", media, fileName: "../a.pdf" }, ["fileName"]],
  ["a file name with a backslash", { type: "document", media, fileName: "a\\b.pdf" }, ["fileName"]],
  ["a file name with a NUL", { type: "document", media, fileName: "a\0.pdf" }, ["fileName"]],
  ["a file name of two lines", { type: "document", media, fileName: "a\nb.pdf" }, ["fileName"]],
  ["a file name of spaces", { type: "document", media, fileName: "  " }, ["fileName"]],
  ["media without a URL", { type: "image", media: {} }, ["media.url"]],
  ["media with an empty URL", { type: "image", media: { url: "" } }, ["media.url"]],
  ["a URL of 2,049 characters", { type: "image", media: { url: "x".repeat(2_049) } }, ["media.url"]],
  ["media with more than a URL", { type: "image", media: { ...media, headers: {} } }, ["media.headers"]],
  ["media that is only a URL", { type: "image", media: media.url }, ["media"]],
  ["an unknown kind", { type: "poll", text: "x" }, ["type"]],
  ["no kind", { text: "x" }, ["type"]],
  ["null", null, [""]],
])("%s is refused, by field", (_, content, fields) => {
  expect(fieldsOf(content)).toEqual(fields);
});
