import type { BinaryNode } from "@whiskeysockets/baileys";

/** A pairing code that a client asked for. */
export interface CodeRequest {
  phoneNumber: string;
  ref: Buffer;
  /** The client's ephemeral key, encrypted with the code. */
  wrappedEphemeral: Buffer;
  /** Where the phone waits for the client's key bundle. */
  finished: ((bundle: BinaryNode) => void) | null;
}

/** What an unpaired client brought with it. Keys are 32 bytes. */
export interface PairingAttempt {
  refs: string[];
  registrationId: number;
  identity: Buffer;
  signedPreKey: { id: number; value: Buffer; signature: Buffer };
  platform: string;
  code: CodeRequest | null;
  qrText: string | null;
  /** A phone is at it. */
  isTaken: boolean;
}
