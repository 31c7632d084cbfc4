import { expect, test } from "vitest";
import type { proto } from "#connector/baileys/baileys.ts";
import { timerInMessage } from "#connector/messages/timer-from-whatsapp.ts";

const key = { remoteJid: "15550100001@s.whatsapp.net" };
const timerIn = (message: proto.IMessage) =>
  timerInMessage({ key, message, messageTimestamp: 1_700_000_000 });
const textUnder = (expiration: number): proto.IMessage => ({
  extendedTextMessage: { text: "Hello", contextInfo: { expiration } },
});

test("a timer is at most a leap year long: a longer one is none", () => {
  expect(timerIn(textUnder(366 * 86_400))?.seconds).toBe(366 * 86_400);
  expect(timerIn(textUnder(366 * 86_400 + 1))).toBeNull();
});

test("a timer is looked for inside five wrappers, and in no more", () => {
  const wrapped = (times: number): proto.IMessage =>
    times === 0 ? textUnder(90) : { ephemeralMessage: { message: wrapped(times - 1) } };
  expect(timerIn(wrapped(5))?.seconds).toBe(90);
  expect(timerIn(wrapped(6))).toBeNull();
});
