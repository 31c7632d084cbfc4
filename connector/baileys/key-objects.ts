import crypto, { createSecretKey } from "node:crypto";
import { syncBuiltinESMExports } from "node:module";

/**
 * On Node 24.21, an HMAC or a cipher with a key in a buffer takes 25–37 µs instead of 4–11: to see that the key is no
 * `KeyObject`, Node throws an error and catches it. Baileys and libsignal make about 20 of them a message. This module makes
 * `node:crypto` turn a key in a buffer into a `KeyObject` first; outputs and errors stay the same. Bun does not need it.
 */
type Keyed = (algorithm: string, key: unknown, ...rest: unknown[]) => unknown;

const patched = Symbol.for("waypost.key-objects");

function takeKeyObjects(): void {
  if (process.versions.bun || patched in crypto.createHmac) return;
  const { createHmac, createCipheriv, createDecipheriv } = crypto;
  Object.assign(crypto, {
    createHmac: withKeyObject(createHmac as Keyed),
    createCipheriv: withKeyObject(createCipheriv as Keyed),
    createDecipheriv: withKeyObject(createDecipheriv as Keyed),
  });
  syncBuiltinESMExports();
}

function withKeyObject(make: Keyed): Keyed {
  const faster: Keyed = (algorithm, key, ...rest) =>
    make(algorithm, key instanceof Uint8Array ? createSecretKey(key) : key, ...rest);
  return Object.assign(faster, { [patched]: true });
}

takeKeyObjects();
