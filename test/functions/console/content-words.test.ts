import { expect, test } from "vitest";
import { contentWords } from "#functions/console/content-words.ts";
import { type ReceivedContent, receivedKinds } from "#shared/received-content.ts";

test.each(receivedKinds.map(({ example }) => [example.type, example] as const))(
  "the page has words for %s, unless it is plain text",
  (type, example) => {
    const words = contentWords(example as ReceivedContent);
    expect(words === "").toBe(type === "text");
    expect(words).not.toMatch(/undefined|null|_/);
  },
);

test.each<[ReceivedContent, string]>([
  [
    { type: "document", mimetype: "application/pdf", sizeBytes: 20_480, fileName: "a.pdf" },
    "document · a.pdf · application/pdf · 20 KB",
  ],
  [{ type: "location" }, "location"],
  [{ type: "voice", mimetype: null, sizeBytes: null }, "voice"],
  [{ type: "poll", name: "When?", options: ["Mo", "Tu"], selectable: 1 }, "poll · Mo / Tu"],
  [{ type: "buttons", text: "Yes?", buttons: [{ text: "Yes" }, { text: "No" }] }, "[Yes] · [No]"],
])("%o reads as %s", (content, words) => expect(contentWords(content)).toBe(words));
