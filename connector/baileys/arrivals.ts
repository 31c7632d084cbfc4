import { proto, type WAMessage } from "./baileys.ts";
import type { JournaledPart } from "./journaled-part.ts";

const arrived = new WeakMap<WAMessage, readonly JournaledPart[]>();

/** Remembers from what a message was decrypted, for as long as the message lives. */
export function rememberArrival(message: WAMessage, parts: readonly JournaledPart[]): void {
  if (parts.length > 0) arrived.set(message, parts);
}

/**
 * The encoded `proto.Message` as its author's app made it, wrappers and unknown fields included: what Baileys decodes has
 * neither. Of a message that was not encrypted, Baileys' form encoded again.
 */
export function encodedMessage(message: WAMessage): Uint8Array {
  const parts = arrived.get(message)?.map(({ plaintext }) => withoutPadding(plaintext));
  // Encoded messages that follow one another are the encoding of all their fields.
  return parts ? Buffer.concat(parts) : proto.Message.encode(message.message ?? {}).finish();
}

/** The device from which a message came, 0 for a phone; undefined when that is not known. */
export function deviceOf(message: WAMessage): number | undefined {
  const stanza = arrived.get(message)?.[0]?.stanza;
  const author = stanza?.participant ?? stanza?.from;
  if (author === undefined) return undefined;
  return Number(/:(\d+)@/.exec(author)?.[1] ?? 0);
}

/** The last byte says how many bytes of padding there are. */
function withoutPadding(plaintext: Uint8Array): Uint8Array {
  return plaintext.subarray(0, plaintext.length - (plaintext.at(-1) ?? 0));
}
