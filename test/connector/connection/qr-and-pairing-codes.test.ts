import { expect, test, vi } from "vitest";
import { createPairingCodes } from "#connector/connection/qr-and-pairing-codes.ts";

/** Runs `work` with the clock at `now` ms. */
function atTime<T>(now: number, work: () => T): T {
  vi.useFakeTimers({ now, toFake: ["Date"] });
  try {
    return work();
  } finally {
    vi.useRealTimers();
  }
}

test("the first QR is valid for 60 s and each later one for 20 s", () => {
  const codes = createPairingCodes(null, () => Date.now());
  expect(atTime(1_000, () => codes.qr("one", 1))).toEqual({
    ...{ kind: "qr", text: "one", attempt: 1, of: 6 },
    expiresAt: 61_000,
  });
  expect(atTime(61_000, () => codes.qr("two", 2))).toMatchObject({ attempt: 2, expiresAt: 81_000 });
});

test("a typed code is valid as long as WhatsApp gives QRs, whenever it was requested", () => {
  const codes = createPairingCodes(null, () => Date.now());
  atTime(0, () => codes.qr("one", 1));
  atTime(60_000, () => codes.qr("two", 2));
  expect(atTime(70_000, () => codes.typed("ABCD1234"))).toEqual({
    ...{ kind: "code", text: "ABCD1234", attempt: 1, of: 1 },
    expiresAt: 160_000,
  });
  atTime(200_000, () => codes.qr("one again", 1));
  expect(codes.typed("ABCD1234").expiresAt).toBe(360_000);
});

test("a configured validity applies to every QR", () => {
  const codes = createPairingCodes(500, () => Date.now());
  expect(atTime(0, () => codes.qr("one", 1)).expiresAt).toBe(500);
  expect(atTime(500, () => codes.qr("two", 2)).expiresAt).toBe(1_000);
  expect(codes.typed("ABCD1234").expiresAt).toBe(3_000);
});
