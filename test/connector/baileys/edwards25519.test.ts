import { generateKeyPairSync } from "node:crypto";
import { expect, test } from "vitest";
import { addPoints, bytesOf, decodePoint, encodePoint, numberFrom } from "#connector/baileys/edwards25519.ts";

/** The base point, and its double, in the encoding of RFC 8032. */
const base = `58${"66".repeat(31)}`;
const twice = "c9a3f86aae465f0e56513864510f3997561fa2c9e85ea21dc2292309f3cd6022";
const pointOf = (hex: string) => decodePoint(Buffer.from(hex, "hex"));
const hexOf = (...point: Parameters<typeof encodePoint>) => encodePoint(...point).toString("hex");

const someKeys = Array.from({ length: 20 }, () => {
  const { publicKey } = generateKeyPairSync("ed25519", {
    publicKeyEncoding: { format: "der", type: "spki" },
    privateKeyEncoding: { format: "der", type: "pkcs8" },
  });
  return publicKey.subarray(-32);
});

test("keys of OpenSSL are points, and encode as they were", () => {
  for (const key of someKeys) expect(encodePoint(decodePoint(key))).toEqual(key);
});

test("a point doubles, and sums do not depend on their order", () => {
  expect(hexOf(addPoints(pointOf(base), pointOf(base)))).toBe(twice);
  const [a, b, c] = someKeys.map(decodePoint);
  if (!a || !b || !c) throw new Error("no keys");
  expect(hexOf(addPoints(addPoints(a, b), c))).toBe(hexOf(addPoints(a, addPoints(c, b))));
});

test("a point and its opposite make the neutral element", () => {
  const neutral = `01${"00".repeat(31)}`;
  const opposite = Buffer.from(base, "hex");
  opposite.writeUInt8(opposite.readUInt8(31) ^ 0x80, 31);
  expect(hexOf(addPoints(pointOf(base), decodePoint(opposite)))).toBe(neutral);
});

test("what is no point is refused", () => {
  expect(() => decodePoint(bytesOf(2n))).toThrow("no point");
});

test("numbers are little-endian", () => {
  expect(numberFrom(Buffer.from([1, 2]))).toBe(513n);
  expect(bytesOf(513n).subarray(0, 3)).toEqual(Buffer.from([1, 2, 0]));
});
