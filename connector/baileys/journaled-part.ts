import type { BinaryNode } from "./baileys.ts";

/** A decrypted part of a message, with all that is needed to hand the message over later. */
export interface JournaledPart {
  plaintext: Uint8Array;
  /** The stanza's attributes: sender, chat, id, time. */
  stanza: BinaryNode["attrs"];
  /** The part's own attributes, such as its type. */
  enc: BinaryNode["attrs"];
  /** Rises from message to message; all parts of a message have the same. */
  arrival: number;
  /** The part's index in the stanza. */
  part: number;
}
