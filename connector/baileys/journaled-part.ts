import type { BinaryNode } from "./baileys.ts";

/** An encrypted part of a message as it was decrypted, with all that is needed to hand the message over later. */
export interface JournaledPart {
  plaintext: Uint8Array;
  /** What the stanza said: who, from where, when. */
  stanza: BinaryNode["attrs"];
  /** What the part itself said, its type among it. */
  enc: BinaryNode["attrs"];
  /** Rises from message to message, and is the same for all parts of one. */
  arrival: number;
  /** The part's place in the stanza. */
  part: number;
}
