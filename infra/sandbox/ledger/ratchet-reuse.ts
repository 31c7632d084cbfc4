import { createRequire } from "node:module";
import { proto } from "@whiskeysockets/baileys";

interface WhisperMessage {
  ephemeralKey: Uint8Array;
  counter: number;
}

interface Protobufs {
  WhisperMessage: { decode(bytes: Uint8Array): WhisperMessage };
  PreKeyWhisperMessage: { decode(bytes: Uint8Array): { message: Uint8Array } };
}

// The module has no declarations.
const protobufs = createRequire(import.meta.url)("libsignal/src/protobufs.js") as Protobufs;
const seenMax = 100_000;
const macBytes = 8;
const signatureBytes = 64;

/** Detects a client that uses a (ratchet key, counter) twice, which means that its state was rolled back. */
export class RatchetReuse {
  readonly #seen = new Set<string>();

  /** True if this copy reuses a counter of an earlier one by the same device. */
  isReused(device: string, type: string, ciphertext: Buffer): boolean {
    const key = `${device} ${type === "skmsg" ? groupCounter(ciphertext) : counterOf(type, ciphertext)}`;
    if (this.#seen.has(key)) return true;
    this.#seen.add(key);
    for (const oldest of this.#seen) {
      if (this.#seen.size <= seenMax) break;
      this.#seen.delete(oldest);
    }
    return false;
  }
}

function counterOf(type: string, ciphertext: Buffer): string {
  const { ephemeralKey, counter } = readHeader(type, ciphertext);
  return `${Buffer.from(ephemeralKey).toString("base64")} ${counter}`;
}

/** A group message carries the id of the key instead, and ends with a signature. */
function groupCounter(ciphertext: Buffer): string {
  const { id, iteration } = proto.SenderKeyMessage.decode(ciphertext.subarray(1, -signatureBytes));
  return `group ${id} ${iteration}`;
}

/** The first byte of each layer is its version; the last eight bytes of the inner one are its MAC. */
function readHeader(type: string, ciphertext: Buffer): WhisperMessage {
  const isFirst = type === "pkmsg";
  const inner = isFirst ? protobufs.PreKeyWhisperMessage.decode(ciphertext.subarray(1)).message : ciphertext;
  return protobufs.WhisperMessage.decode(inner.subarray(1, -macBytes));
}
