import { expect, test } from "vitest";
import { peerName } from "#functions/console/peer.ts";

test("a phone number reads as one, from wherever it is known", () => {
  expect(peerName("15551234567@s.whatsapp.net")).toBe("+15551234567");
  expect(peerName("+1 555 123-4567")).toBe("+15551234567");
  expect(peerName("98765@lid", "15551234567")).toBe("+15551234567");
});

test("what has no number keeps its address", () => {
  expect(peerName("98765@lid")).toBe("98765@lid");
  expect(peerName("123-456@g.us")).toBe("123-456@g.us");
});
