// Stays first.
import "#connector/baileys/baileys.ts";
import crypto, {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  randomBytes,
  webcrypto,
} from "node:crypto";
import { createRequire, syncBuiltinESMExports } from "node:module";
import { aesDecryptGCM, aesEncryptGCM, hmacSign } from "@whiskeysockets/baileys";
import { describe, expect, test } from "vitest";

interface LibsignalCrypto {
  encrypt(key: Buffer, data: Buffer, iv: Buffer): Buffer;
  decrypt(key: Buffer, data: Buffer, iv: Buffer): Buffer;
  calculateMAC(key: Buffer, data: Buffer): Buffer;
}

const libsignal: LibsignalCrypto = createRequire(import.meta.url)("libsignal/src/crypto.js");
const { subtle } = webcrypto;
const key = randomBytes(32);
const nonce = randomBytes(12);
const iv = randomBytes(16);
const data = randomBytes(200);

/** How many buffers become a `KeyObject` meanwhile. */
function keyObjectsMadeBy(work: () => unknown): number {
  const create = createSecretKey;
  let made = 0;
  const counting = (bytes: Buffer) => {
    made += 1;
    return create(bytes);
  };
  replaceCreateSecretKey(counting as typeof createSecretKey);
  try {
    work();
  } finally {
    replaceCreateSecretKey(create);
  }
  return made;
}

function replaceCreateSecretKey(create: typeof createSecretKey): void {
  Object.assign(crypto, { createSecretKey: create });
  syncBuiltinESMExports();
}

describe.skipIf(Boolean(process.versions.bun))("a key in a buffer becomes a KeyObject", () => {
  const ofBaileys = aesEncryptGCM(data, key, nonce, iv);
  const ofLibsignal = libsignal.encrypt(key, data, iv);

  test.each<[string, () => unknown]>([
    ["Baileys authenticates", () => hmacSign(data, key)],
    ["Baileys encrypts", () => aesEncryptGCM(data, key, nonce, iv)],
    ["Baileys decrypts", () => aesDecryptGCM(ofBaileys, key, nonce, iv)],
    ["libsignal authenticates", () => libsignal.calculateMAC(key, data)],
    ["libsignal encrypts", () => libsignal.encrypt(key, data, iv)],
    ["libsignal decrypts", () => libsignal.decrypt(key, ofLibsignal, iv)],
  ])("when %s", (_name, work) => expect(keyObjectsMadeBy(work)).toBe(1));
});

describe("keys of every form give what Web Crypto gives", () => {
  const forms = [key, new Uint8Array(key), createSecretKey(key)];

  test("in an HMAC", async () => {
    const algorithm = { name: "HMAC", hash: "SHA-256" };
    const imported = await subtle.importKey("raw", key, algorithm, false, ["sign"]);
    const expected = Buffer.from(await subtle.sign("HMAC", imported, data));
    for (const form of forms) expect(createHmac("sha256", form).update(data).digest()).toEqual(expected);
  });

  test("in a cipher", async () => {
    const imported = await subtle.importKey("raw", key, "AES-GCM", false, ["encrypt"]);
    const expected = Buffer.from(await subtle.encrypt({ name: "AES-GCM", iv: nonce }, imported, data));
    for (const form of forms) {
      const cipher = createCipheriv("aes-256-gcm", form, nonce, { authTagLength: 16 });
      const sealed = Buffer.concat([cipher.update(data), cipher.final(), cipher.getAuthTag()]);
      expect(sealed).toEqual(expected);
      const decipher = createDecipheriv("aes-256-gcm", form, nonce).setAuthTag(sealed.subarray(-16));
      expect(Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()])).toEqual(data);
    }
  });
});

test("an HMAC takes an empty key and a string", () => {
  const expected = createHmac("sha256", "").update(data).digest();
  expect(createHmac("sha256", Buffer.alloc(0)).update(data).digest()).toEqual(expected);
  expect(createHmac("sha256", Buffer.from("é")).update(data).digest()).toEqual(
    createHmac("sha256", "é").update(data).digest(),
  );
});

test("what Node refuses is refused as before", () => {
  const short = Buffer.alloc(16);
  expect(() => createCipheriv("aes-256-cbc", short, iv)).toThrow(RangeError);
  expect(() => createDecipheriv("aes-256-cbc", short, iv)).toThrow("Invalid key length");
  expect(() => createCipheriv("aes-256-cbc", key, nonce)).toThrow(TypeError);
  expect(() => createHmac("none", key)).toThrow("Invalid digest");
  expect(() => Reflect.apply(createHmac, null, ["sha256", undefined])).toThrow(TypeError);
});
