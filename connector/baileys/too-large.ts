import { proto, type WAMessage } from "./baileys.ts";

/**
 * The most bytes of a decrypted message that are kept. The longest text that WhatsApp's own apps send has 65,536 characters;
 * a journal row, in Base64 and with its stanza, must stay far below MongoDB's 16 MB.
 */
const plaintextBytesMax = 2 * 1024 * 1024;

/** WhatsApp itself uses type 0, for messages that it withholds from linked devices. */
const type: number = 1_000;

/** The placeholder for a too large message, in the journal and in Baileys; padded as phones pad. */
function placeholder(): Uint8Array {
  const message = proto.Message.encode({ placeholderMessage: { type } }).finish();
  return Buffer.concat([message, Buffer.of(1)]);
}

/** The decrypted message; a small one in its place if it is too large. */
export function limited(plaintext: Uint8Array): Uint8Array {
  return plaintext.length > plaintextBytesMax ? placeholder() : plaintext;
}

/** Whether this message stands for one that was too large. */
export function isTooLarge({ message }: Pick<WAMessage, "message">): boolean {
  return Number(message?.placeholderMessage?.type) === type;
}
