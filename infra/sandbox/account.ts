/** Declares a simulated person as tests see one, and the types of messages, receipts and devices. */

import type { BinaryNode, proto } from "@whiskeysockets/baileys";

/** Which of a person's two addresses a stanza carries: phone number or LID. */
export type Addressing = "pn" | "lid";

/** A client linked to an account: a real Baileys socket, connected or not. */
export interface LinkedDevice {
  /** Number of the device within the account; the phone itself is 0. */
  deviceId: number;
  jid: string;
  lid: string;
  /** The client's name for itself, e.g. "Mac OS". */
  platform: string;
  linkedAt: Date;
  isConnected: boolean;
  /** Stanzas that are waiting for this device or that it has not acknowledged yet. */
  queued: number;
}

export type MediaKind = "image" | "video" | "audio" | "document" | "sticker";

/** A decrypted message in a person's inbox: one per message, however many devices and copies it reached. */
export interface ReceivedMessage {
  id: string;
  /** Phone number of the sender. */
  from: string;
  /** The person's address that the sender used. */
  to: string;
  at: Date;
  message: proto.IMessage;
  /** Text, or the caption of media. */
  text?: string;
  media?: { kind: MediaKind; bytes: Buffer; mimetype: string; caption?: string; fileName?: string };
  /** Why `media` is absent although the message has an attachment. */
  mediaError?: string;
  /** Number of stanzas that arrived with this id: 1 unless the sender sent it again. */
  copies: number;
  /** First device that decrypted it. */
  deviceId: number;
  /** All devices that decrypted it. */
  deviceIds: number[];
  /** Written by the person on a linked device; `chat` is then the recipient's phone number. In a group, `chat` and `to` are the group's JID. */
  fromMe: boolean;
  chat: string;
}

/** A receipt that a linked client sent for a message of this person. A receipt stanza without a type is "delivered". */
export interface ReceivedReceipt {
  messageId: string;
  from: string;
  type: "delivered" | "inactive" | "read" | "read-self" | "played" | "sender" | "retry" | (string & {});
  at: Date;
}

/** At once, never, or after this many milliseconds. */
export type ReceiptTiming = "auto" | "never" | number;

export interface MediaContent {
  kind: MediaKind;
  bytes: Uint8Array;
  mimetype: string;
  caption?: string;
  fileName?: string;
}

export interface SendOptions {
  /** Which address of this person the recipient sees. Default "pn". */
  addressing?: Addressing;
  /** Display name in the stanza. Default: the account's. */
  pushName?: string;
  /** Default: random. */
  id?: string;
}

export interface StanzaOptions {
  /** Which address of this person the stanza comes from. Default "pn". */
  addressing?: Addressing;
  /** The JID of a group that the stanza comes from, with this person as its participant. */
  group?: string;
  sealed?: Uint8Array;
}

export interface WaitOptions {
  signal?: AbortSignal;
  /** Milliseconds, default 10,000. */
  timeoutMs?: number;
}

/** A simulated person: a phone with a number, further devices of their own, linked clients and an inbox. Also a contact of everyone else. */
export interface Account {
  readonly phoneNumber: string;
  /** `…@lid`, the same for this number in every sandbox. */
  readonly lid: string;
  pushName: string;
  /** Clients linked to this phone. */
  devices(): LinkedDevice[];

  /** The phone scans a QR. Resolves once the client has proved the pairing; the client then reconnects on its own. Rejects if no client shows this QR. */
  scan(qrText: string): Promise<LinkedDevice>;
  /** The phone's user types the eight characters that a client shows. Rejects if no client requested a code for this number, or if the code is wrong (it may be typed again). */
  typeCode(code: string): Promise<LinkedDevice>;
  /** Removes one linked client, or all. A connected one receives `device_removed`; every later login gets 401. */
  unlink(deviceId?: number): Promise<void>;

  /** Creates a group with this person as its administrator. `id` is the group's JID, which the send methods accept in place of a phone number. Default addressing "lid". */
  createGroup(subject: string, members: readonly string[], addressing?: Addressing): { id: string };
  /** Any member may add people. All members' linked clients are notified. */
  addToGroup(groupId: string, phoneNumber: string): void;
  /** Like `addToGroup`; a person who removes themselves leaves. */
  removeFromGroup(groupId: string, phoneNumber: string): void;

  /** Sends to every linked client of the recipient, Signal-encrypted, and to the recipient's phone. Queued for clients that are offline. */
  sendText(toPhoneNumber: string, text: string, options?: SendOptions): Promise<{ id: string }>;
  sendMedia(toPhoneNumber: string, media: MediaContent, options?: SendOptions): Promise<{ id: string }>;
  /** Sends any message. `sendText` and `sendMedia` call this. */
  sendMessage(toPhoneNumber: string, message: proto.IMessage, options?: SendOptions): Promise<{ id: string }>;

  /**
   * Sends any stanza to every linked client of the recipient, as a hostile contact can: the server sets no more than `from`.
   * `sealed` is encrypted for each client as the stanza's `<enc>`, whatever its bytes are.
   */
  sendStanza(toPhoneNumber: string, stanza: BinaryNode, options?: StanzaOptions): Promise<void>;

  /** Messages this person received, and those they wrote on linked clients (`fromMe`). Oldest first, the last 1,000. */
  readonly inbox: readonly ReceivedMessage[];
  /** Resolves with the first message in the inbox, present or future, that matches the predicate. The default predicate skips `fromMe` messages. Rejects on timeout or abort. */
  waitForMessage(
    predicate?: (message: ReceivedMessage) => boolean,
    options?: WaitOptions,
  ): Promise<ReceivedMessage>;
  /** Receipts from linked clients for messages this person sent. The last 1,000. */
  readonly receipts: readonly ReceivedReceipt[];
  waitForReceipt(
    predicate: (receipt: ReceivedReceipt) => boolean,
    options?: WaitOptions,
  ): Promise<ReceivedReceipt>;

  /** Sends a read receipt for a message in the inbox. */
  markRead(messageId: string): void;
  /** When receipts are sent automatically. Default: delivered at once, read never. */
  receiptPolicy: { delivered: ReceiptTiming; read: ReceiptTiming };

  /** Adds another device of the person's own, with its own Signal identity. Returns its number. */
  addDevice(): number;
  removeDevice(deviceId: number): void;
  /** Deletes all sessions of this person's devices (or of one): the next message of an established session cannot be decrypted and is requested again. */
  forgetSessions(deviceId?: number): void;
  /** Asks the sender to resend a message, as if it could not be decrypted. */
  askRetry(messageId: string, deviceId?: number): Promise<void>;
}
