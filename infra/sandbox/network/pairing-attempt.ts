import type { BinaryNode } from "@whiskeysockets/baileys";

/** A client's request for a pairing code. */
export interface CodeRequest {
  phoneNumber: string;
  ref: Buffer;
  /** The client's ephemeral key, encrypted with the code. */
  wrappedEphemeral: Buffer;
  /** Receives the client's key bundle while the phone is waiting for it. */
  onKeyBundle: ((bundle: BinaryNode) => void) | null;
}

/** The registration of an unpaired client, and how far its pairing has got. Keys are 32 bytes. */
export interface PairingAttempt {
  refs: string[];
  registrationId: number;
  identity: Buffer;
  signedPreKey: { id: number; value: Buffer; signature: Buffer };
  platform: string;
  code: CodeRequest | null;
  qrText: string | null;
  /** A phone is completing it. */
  isTaken: boolean;
}
