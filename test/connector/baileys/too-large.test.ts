import { expect, test } from "vitest";
import { proto } from "#connector/baileys/baileys.ts";
import { isTooLarge, limited } from "#connector/baileys/too-large.ts";

test("a message above 2 MB becomes one that says so; WhatsApp's own placeholders and all others do not", () => {
  const largest = Buffer.alloc(2 * 1024 * 1024);
  expect(limited(largest)).toBe(largest);
  const small = limited(Buffer.alloc(largest.length + 1));
  // Without the padding.
  const message = proto.Message.decode(small.subarray(0, -(small.at(-1) ?? 0)));
  expect(isTooLarge({ message })).toBe(true);
  for (const other of [{ placeholderMessage: { type: 0 } }, { conversation: "Hello" }, null]) {
    expect(isTooLarge({ message: other })).toBe(false);
  }
});
