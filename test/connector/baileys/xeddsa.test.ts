import { createHash, generateKeyPairSync } from "node:crypto";
import { createRequire } from "node:module";
import { expect, test } from "vitest";
import { edwardsKey, numberFrom } from "#connector/baileys/edwards25519.ts";
import { isSignedBy, signWith } from "#connector/baileys/xeddsa.ts";

/** The plain JavaScript under libsignal, whose signatures are WhatsApp's. */
interface PlainCurve {
  sign(privateKey: Uint8Array, message: Uint8Array): Uint8Array;
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
}

const here = createRequire(import.meta.url);
const plain: PlainCurve = createRequire(here.resolve("libsignal/src/curve.js"))("curve25519-js");
const message = Buffer.from("a signed pre-key");

function keyPair() {
  const { publicKey, privateKey } = generateKeyPairSync("x25519", {
    publicKeyEncoding: { format: "der", type: "spki" },
    privateKeyEncoding: { format: "der", type: "pkcs8" },
  });
  return { key: publicKey.subarray(-32), secret: privateKey.subarray(-32) };
}

function signed() {
  const { key, secret } = keyPair();
  return { key, signature: Buffer.from(plain.sign(secret, message)) };
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

test("our signatures are valid for libsignal and for us, for their own key and message only", () => {
  for (let round = 0; round < 40; round++) {
    const { key, secret } = keyPair();
    const text = Buffer.alloc(round, "text");
    const signature = signWith(secret, text);
    expect([plain.verify(key, text, signature), isSignedBy(key, text, signature)]).toEqual([true, true]);
    expect(isSignedBy(key, message, signature)).toBe(false);
    expect(isSignedBy(keyPair().key, text, signature)).toBe(false);
    const flipped = Buffer.from(signature);
    flipped.writeUInt8(flipped.readUInt8(round) ^ 4, round);
    expect(isSignedBy(key, text, flipped)).toBe(false);
  }
});

test("two signatures of one message have nothing in common", () => {
  const { secret } = keyPair();
  const [one, other] = [signWith(secret, message), signWith(secret, message)];
  expect(one.subarray(0, 32)).not.toEqual(other.subarray(0, 32));
  expect(one.subarray(32)).not.toEqual(other.subarray(32));
});

/** The order of the base point, and the inverse of 8 modulo it. */
const order = 2n ** 252n + 27742317777372353535851937790883648493n;
const eighth = (3n * order + 1n) / 8n;
const modulo = (value: bigint) => ((value % order) + order) % order;

test("the nonces of signatures fill the whole group: clamped ones, divided by 8, would all be in its upper half", () => {
  expect((8n * eighth) % order).toBe(1n);
  const { key, secret } = keyPair();
  const edwards = edwardsKey(key);
  const scalar = (numberFrom(secret) & ((1n << 254n) - 8n)) | (1n << 254n);
  // libsignal shows the sign of the key's point, which ours take as even.
  const isOdd = (plain.sign(secret, message)[63] ?? 0) > 0x7f;
  const quarters = [0, 0, 0, 0];
  for (let round = 0; round < 300; round++) {
    const signature = signWith(secret, message);
    const commitment = signature.subarray(0, 32);
    const hash = createHash("sha512").update(commitment).update(edwards).update(message).digest();
    const secretPart = numberFrom(hash) * (isOdd ? -scalar : scalar);
    const nonce = modulo(numberFrom(signature.subarray(32)) - secretPart);
    const quarter = Number((4n * modulo(nonce * eighth)) / order);
    quarters[quarter] = (quarters[quarter] ?? 0) + 1;
  }
  // 75 of each, give or take 8 (one standard deviation).
  expect(Math.min(...quarters)).toBeGreaterThan(25);
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

test("a private key of the wrong length signs nothing", () => {
  expect(() => signWith(Buffer.alloc(31, 1), message)).toThrow();
  expect(() => signWith(Buffer.alloc(33, 1), message)).toThrow();
});
