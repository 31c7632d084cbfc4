/** Implements WhatsApp's wire protocol: the Noise handshake, frames, stanzas and JIDs. */

import { createCipheriv, createDecipheriv, createHash, hkdfSync } from "node:crypto";
import { proto } from "@whiskeysockets/baileys";
import type { ServerKeys } from "../state/state.ts";
import { agree, generateKeyPair, rawPublicKey } from "./curve25519.ts";

/** Exactly 32 bytes, so the name itself is the first hash. */
const protocolName = Buffer.from("Noise_XX_25519_AESGCM_SHA256\0\0\0\0");
/** "WA", protocol 6, dictionary 3: the first bytes from a client. Mixed into the hash. */
export const introduction = Buffer.from("WA\x06\x03");
const tagBytes = 16;

/** The encrypted channel after the handshake, with a counter for each direction. */
export interface Transport {
  encrypt(plaintext: Uint8Array): Buffer;
  decrypt(ciphertext: Buffer): Buffer;
}

export interface Handshake {
  /** Takes the client's hello, returns the server's. */
  answer(hello: Buffer): Buffer;
  /** Takes the client's finish. Throws if it was not made with the keys of this handshake. */
  finish(message: Buffer): { clientStatic: Buffer; payload: proto.ClientPayload; transport: Transport };
}

/** The server's side of Noise XX as Baileys speaks it (`Utils/noise-handler.js`). */
export function createHandshake(keys: ServerKeys, chain: Buffer): Handshake {
  const ephemeral = generateKeyPair();
  const cipher = createHandshakeCipher();
  cipher.mixHash(introduction);

  return {
    answer(message) {
      const hello = proto.HandshakeMessage.decode(message).clientHello?.ephemeral;
      if (hello?.length !== 32) throw new Error("client hello without a key");
      cipher.mixHash(hello);
      cipher.mixHash(rawPublicKey(ephemeral));
      cipher.mixKey(agree(ephemeral, hello));
      const encryptedStatic = cipher.encrypt(rawPublicKey(keys.static));
      cipher.mixKey(agree(keys.static, hello));
      const payload = cipher.encrypt(chain);
      const serverHello = { ephemeral: rawPublicKey(ephemeral), static: encryptedStatic, payload };
      return Buffer.from(proto.HandshakeMessage.encode({ serverHello }).finish());
    },
    finish(message) {
      const { clientFinish } = proto.HandshakeMessage.decode(message);
      if (!clientFinish?.static || !clientFinish.payload) throw new Error("incomplete client finish");
      const clientStatic = cipher.decrypt(Buffer.from(clientFinish.static));
      cipher.mixKey(agree(ephemeral, clientStatic));
      const payload = proto.ClientPayload.decode(cipher.decrypt(Buffer.from(clientFinish.payload)));
      return { clientStatic, payload, transport: cipher.split() };
    },
  };
}

function createHandshakeCipher() {
  let hash: Buffer = protocolName;
  let chainKey: Buffer = protocolName;
  let key: Buffer = protocolName;
  let counter = 0;
  const mixHash = (data: Uint8Array): void => {
    hash = createHash("sha256").update(hash).update(data).digest();
  };
  return {
    mixHash,
    mixKey(input: Buffer): void {
      [chainKey, key] = halves(input, chainKey);
      counter = 0;
    },
    encrypt(plaintext: Buffer): Buffer {
      const sealed = seal(plaintext, key, counter++, hash);
      mixHash(sealed);
      return sealed;
    },
    decrypt(sealed: Buffer): Buffer {
      const plaintext = unseal(sealed, key, counter++, hash);
      mixHash(sealed);
      return plaintext;
    },
    split(): Transport {
      const [fromClient, toClient] = halves(Buffer.alloc(0), chainKey);
      let sent = 0;
      let received = 0;
      const nothing = Buffer.alloc(0);
      return {
        encrypt: (plaintext) => seal(plaintext, toClient, sent++, nothing),
        decrypt: (ciphertext) => unseal(ciphertext, fromClient, received++, nothing),
      };
    },
  };
}

function halves(input: Buffer, salt: Buffer): [Buffer, Buffer] {
  const derived = Buffer.from(hkdfSync("sha256", input, salt, "", 64));
  return [derived.subarray(0, 32), derived.subarray(32)];
}

function nonce(counter: number): Buffer {
  const bytes = Buffer.alloc(12);
  bytes.writeUInt32BE(counter, 8);
  return bytes;
}

function seal(plaintext: Uint8Array, key: Buffer, counter: number, additional: Buffer): Buffer {
  const cipher = createCipheriv("aes-256-gcm", key, nonce(counter)).setAAD(additional);
  return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

function unseal(sealed: Buffer, key: Buffer, counter: number, additional: Buffer): Buffer {
  const end = sealed.length - tagBytes;
  const decipher = createDecipheriv("aes-256-gcm", key, nonce(counter)).setAAD(additional);
  decipher.setAuthTag(sealed.subarray(end));
  return Buffer.concat([decipher.update(sealed.subarray(0, end)), decipher.final()]);
}
