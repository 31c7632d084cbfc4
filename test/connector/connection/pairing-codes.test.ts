import { expect, test, vi } from "vitest";
import { createPairingCodes } from "#connector/connection/pairing-codes.ts";

/** When what is shown at `at` ms expires. */
function expiring<T>(at: number, show: () => T): T {
  vi.useFakeTimers({ now: at });
  try {
    return show();
  } finally {
    vi.useRealTimers();
  }
}

test("the first QR lives 60 s and each of the others 20 s", () => {
  const codes = createPairingCodes(null);
  expect(expiring(1_000, () => codes.qr("one", 1))).toEqual({
    ...{ kind: "qr", text: "one", attempt: 1, of: 6 },
    expiresAt: 61_000,
  });
  expect(expiring(61_000, () => codes.qr("two", 2))).toMatchObject({ attempt: 2, expiresAt: 81_000 });
});

test("a typed code lives as long as QRs are given, whenever it was asked for", () => {
  const codes = createPairingCodes(null);
  expiring(0, () => codes.qr("one", 1));
  expiring(60_000, () => codes.qr("two", 2));
  expect(expiring(70_000, () => codes.typed("ABCD1234"))).toEqual({
    ...{ kind: "code", text: "ABCD1234", attempt: 1, of: 1 },
    expiresAt: 160_000,
  });
  expiring(200_000, () => codes.qr("one again", 1));
  expect(codes.typed("ABCD1234").expiresAt).toBe(360_000);
});

test("a life that is set is every QR's", () => {
  const codes = createPairingCodes(500);
  expect(expiring(0, () => codes.qr("one", 1)).expiresAt).toBe(500);
  expect(expiring(500, () => codes.qr("two", 2)).expiresAt).toBe(1_000);
  expect(codes.typed("ABCD1234").expiresAt).toBe(3_000);
});
