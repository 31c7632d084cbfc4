import { expect, test } from "vitest";
import { peerName } from "#functions/console/peer.ts";

test("a known phone number is shown with a plus, from whichever source", () => {
  expect(peerName("15551234567@s.whatsapp.net")).toBe("+15551234567");
  expect(peerName("+1 555 123-4567")).toBe("+15551234567");
  expect(peerName("98765@lid", "15551234567")).toBe("+15551234567");
});

test("an address without a number is shown as it is", () => {
  expect(peerName("98765@lid")).toBe("98765@lid");
  expect(peerName("123-456@g.us")).toBe("123-456@g.us");
});
