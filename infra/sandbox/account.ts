/** Declares a simulated person as tests see one, and the types of messages, receipts and devices. */

import type { proto } from "@whiskeysockets/baileys";

/** Which of a person's two addresses a stanza carries: phone number or LID. */
export type Addressing = "pn" | "lid";

/** A client that paired with an account: a real Baileys socket, now or later. */
export interface LinkedDevice {
  /** Number of the device within the account; the phone itself is 0. */
  deviceId: number;
  jid: string;
  lid: string;
  /** What the client called itself, e.g. "Mac OS". */
  platform: string;
  linkedAt: Date;
  isConnected: boolean;
  /** Stanzas that wait for this device or were not acknowledged yet. */
  queued: number;
}

export type MediaKind = "image" | "video" | "audio" | "document" | "sticker";

/** A decrypted message in the inbox of a person, once per message however many devices and copies it reached. */
export interface ReceivedMessage {
  id: string;
  /** Phone number of the sender. */
  from: string;
  /** The person's own address that the sender used. */
  to: string;
  at: Date;
  message: proto.IMessage;
  /** Text, or the caption of media. */
  text?: string;
  media?: { kind: MediaKind; bytes: Buffer; mimetype: string; caption?: string; fileName?: string };
  /** Why `media` is absent although the message has an attachment. */
  mediaError?: string;
  /** How many stanzas with this id arrived: 1 unless the sender sent it again. */
  copies: number;
  /** First device that could read it. */
  deviceId: number;
  /** All devices that could read it. */
  deviceIds: number[];
  /** Written by the person on a linked device; `chat` is the phone number it went to. In a group, `chat` and `to` are its JID. */
  fromMe: boolean;
  chat: string;
}

/** A receipt that a linked client sent for a message of this person. `type` absent is "delivered". */
export interface ReceivedReceipt {
  messageId: string;
  from: string;
  type: "delivered" | "inactive" | "read" | "read-self" | "played" | "sender" | "retry" | (string & {});
  at: Date;
}

/** At once, not at all, or after so many milliseconds. */
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

export interface WaitOptions {
  signal?: AbortSignal;
  /** Milliseconds, default 10,000. */
  timeoutMs?: number;
}

/** A simulated person: a phone with a number, further own devices, linked clients, an inbox. Also a contact of everybody else. */
export interface Account {
  readonly phoneNumber: string;
  /** `…@lid`, the same for this number in every sandbox. */
  readonly lid: string;
  pushName: string;
  /** Clients linked to this phone. */
  devices(): LinkedDevice[];

  /** The phone scans a QR. Resolves when the client has proved the pairing; it reconnects by itself afterwards. Rejects if no socket offers that code. */
  scan(qrText: string): Promise<LinkedDevice>;
  /** The phone's user types the eight characters a client shows. Rejects if no client asked for this number, or if the code is wrong (it may be typed again). */
  typeCode(code: string): Promise<LinkedDevice>;
  /** Removes one linked client, or all. A connected one hears `device_removed`; every later login gets 401. */
  unlink(deviceId?: number): Promise<void>;

  /** Makes a group with this person as its administrator. `id` is a JID, and may stand where a phone number to send to is asked for. Default "lid". */
  createGroup(subject: string, members: readonly string[], addressing?: Addressing): { id: string };
  /** Whoever is in it may do so. Everybody's linked clients are told. */
  addToGroup(groupId: string, phoneNumber: string): void;
  /** The same; a person that removes themselves leaves. */
  removeFromGroup(groupId: string, phoneNumber: string): void;

  /** Sends to every linked client of the recipient, Signal-encrypted, and to the recipient's phone. Also stored for clients that are away. */
  sendText(toPhoneNumber: string, text: string, options?: SendOptions): Promise<{ id: string }>;
  sendMedia(toPhoneNumber: string, media: MediaContent, options?: SendOptions): Promise<{ id: string }>;
  /** Any message. `sendText` and `sendMedia` end here. */
  sendMessage(toPhoneNumber: string, message: proto.IMessage, options?: SendOptions): Promise<{ id: string }>;

  /** Messages this person received, and those it wrote on linked clients (`fromMe`). Oldest first, the last 1,000. */
  readonly inbox: readonly ReceivedMessage[];
  /** First message in the inbox for which the predicate holds, present or future; `fromMe` ones are skipped unless the predicate is given. Rejects on timeout or abort. */
  waitForMessage(
    predicate?: (message: ReceivedMessage) => boolean,
    options?: WaitOptions,
  ): Promise<ReceivedMessage>;
  /** Receipts of linked clients for messages this person sent. The last 1,000. */
  readonly receipts: readonly ReceivedReceipt[];
  waitForReceipt(
    predicate: (receipt: ReceivedReceipt) => boolean,
    options?: WaitOptions,
  ): Promise<ReceivedReceipt>;

  /** Sends a read receipt for a message of the inbox. */
  markRead(messageId: string): void;
  /** When receipts go out by themselves. Default: delivered at once, read never. */
  receiptPolicy: { delivered: ReceiptTiming; read: ReceiptTiming };

  /** Gives the person another device of their own, with its own Signal identity. Returns its number. */
  addDevice(): number;
  removeDevice(deviceId: number): void;
  /** All sessions of this person's devices (or of one) are gone: the next message of an established session cannot be read and is asked for again. */
  forgetSessions(deviceId?: number): void;
  /** Asks the sender for a message again, as if it could not be read. */
  askRetry(messageId: string, deviceId?: number): Promise<void>;
}
