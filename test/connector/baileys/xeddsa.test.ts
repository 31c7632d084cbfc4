import { createRequire } from "node:module";
import { expect, test } from "vitest";
import { isSignedBy } from "#connector/baileys/xeddsa.ts";

interface Curve {
  generateKeyPair(): { pubKey: Buffer; privKey: Buffer };
  calculateSignature(privateKey: Buffer, message: Buffer): Buffer;
}

const curve: Curve = createRequire(import.meta.url)("libsignal/src/curve.js");
const message = Buffer.from("a signed pre-key");

function signed() {
  const { pubKey, privKey } = curve.generateKeyPair();
  return { key: pubKey.subarray(1), signature: curve.calculateSignature(privKey, message) };
}

test("libsignal's signatures are valid for their own key and message only", () => {
  const signs = new Set<number>();
  for (let round = 0; round < 12; round++) {
    const { key, signature } = signed();
    signs.add(signature.readUInt8(63) >> 7);
    expect(isSignedBy(key, message, signature)).toBe(true);
    expect(isSignedBy(key, Buffer.concat([message, message]), signature)).toBe(false);
    const flipped = Buffer.from(signature);
    flipped.writeUInt8(flipped.readUInt8(round * 5) ^ 1, round * 5);
    expect(isSignedBy(key, message, flipped)).toBe(false);
  }
  // Both signs of the Edwards point were tried.
  expect(signs.size).toBe(2);
  expect(isSignedBy(signed().key, message, signed().signature)).toBe(false);
});

test("keys and signatures of the wrong length, and the key without an Edwards point, are refused", () => {
  const { key, signature } = signed();
  expect(isSignedBy(key.subarray(1), message, signature)).toBe(false);
  expect(isSignedBy(key, message, signature.subarray(1))).toBe(false);
  const minusOne = Buffer.alloc(32, 0xff);
  minusOne.writeUInt8(0xec, 0);
  minusOne.writeUInt8(0x7f, 31);
  expect(isSignedBy(minusOne, message, signature)).toBe(false);
});
