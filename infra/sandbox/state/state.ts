/** Defines the state of the sandbox and keeps it on disk across restarts. */

import type { BinaryNode } from "@whiskeysockets/baileys";
import type { Addressing, MediaKind, ReceivedReceipt } from "../account.ts";
import type { KeyAndCertificate } from "../media/certificate.ts";

/** A Curve25519 key pair in libsignal's form: public key 33 bytes with its leading 05, private key 32. */
export interface KeyPair {
  pubKey: Buffer;
  privKey: Buffer;
}

/** The keys that identify this server. */
export interface ServerKeys {
  root: KeyPair;
  intermediate: KeyPair;
  /** The Noise static key, certified by `intermediate`. */
  static: KeyPair;
}

/** A simulated device: a person's phone (0) or another of their own. */
export interface OwnDevice {
  id: number;
  registrationId: number;
  identity: KeyPair;
  signedPreKey: { id: number; pair: KeyPair; signature: Buffer };
  nextPreKeyId: number;
  /** One-time pre-keys that were handed out and have not been used yet, by id. */
  preKeys: Record<string, KeyPair>;
  /** Serialised libsignal records by `<phone number>.<device>` of the other side. */
  sessions: Record<string, object>;
  /** Addresses whose session was deleted on purpose. */
  forgotten: string[];
  /** Serialised sender keys, its own and others', by `<group> <phone number>.<device>`. */
  senderKeys?: Record<string, object[]>;
  /** By group: the linked devices, `<phone number>.<device>`, that have its own sender key. */
  senderKeyHolders?: Record<string, string[]>;
}

/** A linked client, as the server and the phone know it. Keys are 32 bytes, without the 05. */
export interface Companion {
  id: number;
  keyIndex: number;
  platform: string;
  linkedAt: number;
  /** Its Noise static key, which proves at login that it is the same client. */
  clientStatic: Buffer;
  registrationId: number;
  identity: Buffer;
  signedPreKey: { id: number; value: Buffer; signature: Buffer };
  preKeys: { id: number; value: Buffer }[];
  /** Ids of those that were handed out, the last 5,000; and how often there was none to hand out. */
  preKeysTaken?: number[];
  preKeysMissing?: number;
  /** It was asked for more, and has not uploaded any since. */
  isAskedForPreKeys?: boolean;
  /** `ADVSignedDeviceIdentity` without the client's own signature. */
  deviceIdentity: { details: Buffer; accountSignature: Buffer };
  /** Stanzas not acknowledged yet, oldest first. */
  queue: QueuedStanza[];
  hasInitialSync: boolean;
  /** Phone numbers whose devices it queried, and about whose changes it is notified. */
  watches: string[];
}

export interface QueuedStanza {
  key: string;
  node: BinaryNode;
  /** The client requested it again, so its refusal of the first copy does not count. */
  isRetried?: boolean;
}

/** A message that a person wrote on the phone, kept for retry requests. */
export interface SentMessage {
  id: string;
  /** Phone number, or JID of the group, it went to. */
  to: string;
  addressing: Addressing;
  pushName: string;
  /** Encoded `proto.Message`, without padding. */
  bytes: Buffer;
  at: number;
}

export interface StoredMessage {
  id: string;
  from: string;
  chat: string;
  fromMe: boolean;
  to: string;
  at: number;
  bytes: Buffer;
  text?: string;
  /** The bytes are on the media host, and in memory. */
  media?: { kind: MediaKind; mimetype: string; caption?: string; fileName?: string };
  mediaError?: string;
  copies: number;
  deviceIds: number[];
  /** The device that sent it. */
  sender: number;
}

export interface AppStateCollection {
  version: number;
  /** Encoded `SyncdPatch`, the first is version 1. */
  patches: Buffer[];
}

export interface PersonState {
  phoneNumber: string;
  /** The number before `@lid`. */
  lid: string;
  pushName: string;
  nextDeviceId: number;
  devices: OwnDevice[];
  companions: Companion[];
  appState: { keyId: Buffer; keyData: Buffer; collections: Record<string, AppStateCollection> } | null;
  sent: SentMessage[];
  inbox: StoredMessage[];
  receipts: (Omit<ReceivedReceipt, "at"> & { at: number })[];
}

export interface GroupState {
  /** `…@g.us` */
  jid: string;
  subject: string;
  /** Phone numbers; the creator, its only administrator, is the first. */
  members: string[];
  createdAt: number;
  addressing: Addressing;
}

/** Everything that the sandbox remembers across a restart: plain objects, arrays and Buffers only. Contains private keys. */
export interface SandboxState {
  version: 1;
  server: ServerKeys;
  /** Signs the media host's certificate. */
  authority: KeyAndCertificate;
  mediaPort: number;
  people: Record<string, PersonState>;
  unknownNumbers: string[];
  /** By the number that people dial: the number that it is registered as. */
  registeredAs?: Record<string, string>;
  /** Numbers that exist but name no device. */
  withoutDevices?: string[];
  /** By JID. */
  groups?: Record<string, GroupState>;
}
