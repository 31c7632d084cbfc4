import { createRequire } from "node:module";
import { isSignedBy, signWith } from "./xeddsa.ts";

/**
 * libsignal 6 returns whether a signature is valid, and not even that when a session begins. Baileys waits for an exception,
 * so it accepts every signature: of the server's certificate, of a phone that links, of a contact's signed pre-key. This
 * module makes libsignal throw for every invalid signature, and sign without its plain JavaScript, which blocks the process
 * for 14 ms. It must be imported before anything that imports Baileys.
 */
interface Curve {
  calculateSignature(privateKey: Buffer, message: Buffer): Buffer;
  verifySignature(publicKey: Buffer, message: Buffer, signature: Buffer): boolean;
}

const patched = Symbol.for("waypost.libsignal-signatures");
const here = createRequire(import.meta.url);
const baileys = createRequire(here.resolve("@whiskeysockets/baileys"));
const curve = baileys("libsignal/src/curve.js") as Curve;
/** The byte before a public key that marks it as Curve25519. */
const prefixedBytes = 33;

function replaceSignatures(): void {
  if (typeof curve.verifySignature !== "function")
    throw new Error("libsignal's curve has no verifySignature.");
  if (typeof curve.calculateSignature !== "function")
    throw new Error("libsignal's curve has no calculateSignature.");
  if (patched in curve.verifySignature) return;
  const verify: Curve["verifySignature"] = (publicKey, message, signature) => {
    const key = publicKey.length === prefixedBytes ? publicKey.subarray(1) : publicKey;
    if (isSignedBy(key, message, signature)) return true;
    throw new Error("Invalid signature");
  };
  curve.calculateSignature = signWith;
  curve.verifySignature = Object.assign(verify, { [patched]: true });
}

replaceSignatures();
