import { createRequire } from "node:module";
import { expect, test } from "vitest";
import { Curve } from "#connector/baileys/baileys.ts";

const here = createRequire(import.meta.url);
const plain = createRequire(here.resolve("libsignal/src/curve.js"))("curve25519-js") as Record<
  string,
  unknown
>;

test("Baileys signs and verifies without libsignal's plain JavaScript, and refuses what was changed", () => {
  const unused = () => {
    throw new Error("plain JavaScript was used");
  };
  const { sign, verify } = plain;
  Object.assign(plain, { sign: unused, verify: unused });
  try {
    const pair = Curve.generateKeyPair();
    const message = Buffer.from("a signed pre-key");
    const signature = Curve.sign(pair.private, message);
    expect(Curve.verify(pair.public, message, signature)).toBe(true);
    expect(Curve.verify(pair.public, Buffer.from("another pre-key"), signature)).toBe(false);
    expect(Curve.verify(Curve.generateKeyPair().public, message, signature)).toBe(false);
  } finally {
    Object.assign(plain, { sign, verify });
  }
});
