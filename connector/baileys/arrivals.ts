import { type BinaryNode, proto, type WAMessage } from "./baileys.ts";
import type { JournaledPart } from "./journaled-part.ts";
import { fieldsIn } from "./protobuf-fields.ts";

/** The value of `edit` in the stanza of such a deletion; an author's own has 7. */
const adminDeletion = "8";
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

/** The attributes of the stanza in which a message came; undefined when they are not known. */
function stanzaOf(message: WAMessage): BinaryNode["attrs"] | undefined {
  return arrived.get(message)?.[0]?.stanza;
}

/** Whether a group's administrator deletes what another wrote: WhatsApp passes that on from administrators only. */
export function isAdminDeletion(message: WAMessage): boolean {
  return stanzaOf(message)?.edit === adminDeletion;
}

/** The device from which a message came, 0 for a phone; undefined when that is not known. */
export function deviceOf(message: WAMessage): number | undefined {
  const stanza = stanzaOf(message);
  const author = stanza?.participant ?? stanza?.from;
  if (author === undefined) return undefined;
  return Number(/:(\d+)@/.exec(author)?.[1] ?? 0);
}

/**
 * The number of a field that this version does not know; undefined when it knows all. Looks at the message itself, and inside the
 * wrapper in which the account's own devices pass messages on.
 */
export function unknownFieldOf(message: WAMessage): number | undefined {
  if (!arrived.has(message)) return undefined;
  const encoded = encodedMessage(message);
  const passedOn = fieldsIn(encoded).find(({ number }) => number === deviceSentField)?.bytes;
  const inner = passedOn && fieldsIn(passedOn).find(({ number }) => number === innerMessageField)?.bytes;
  const bytes = inner ?? encoded;
  const known = fieldsIn(proto.Message.encode(proto.Message.decode(bytes)).finish());
  const numbers = new Set(known.map(({ number }) => number));
  return fieldsIn(bytes).find(({ number }) => !numbers.has(number))?.number;
}

/** `deviceSentMessage` in a message, and `message` in that. */
const [deviceSentField, innerMessageField] = [31, 2];

/** The last byte says how many bytes of padding there are. */
function withoutPadding(plaintext: Uint8Array): Uint8Array {
  return plaintext.subarray(0, plaintext.length - (plaintext.at(-1) ?? 0));
}
