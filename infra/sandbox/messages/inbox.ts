import { proto } from "@whiskeysockets/baileys";
import type { ReceivedMessage } from "../account.ts";
import { attachmentOf } from "../media/attachments.ts";
import type { Network } from "../network/network.ts";
import type { Person } from "../state/person.ts";
import type { StoredMessage } from "../state/state.ts";

const inboxMax = 1_000;
/** Attachments per person that stay decrypted in memory; after a restart only the newest are fetched again. */
const attachmentsKept = 100;

/** Data derived from a stored message: too large to save with it, and needed too often to derive each time. */
interface Contents {
  message: proto.Message;
  bytes?: Buffer;
}
const contents = new WeakMap<StoredMessage, Contents>();

/** A message that one device of a person decrypted. */
export interface DecryptedMessage {
  id: string;
  from: string;
  chat: string;
  fromMe: boolean;
  to: string;
  sender: number;
  deviceId: number;
  message: proto.IMessage;
}

/** Files a message in the inbox, once however many devices decrypt it. Returns it if it is new, otherwise null. */
export async function fileMessage(
  network: Network,
  person: Person,
  decrypted: DecryptedMessage,
): Promise<StoredMessage | null> {
  const { deviceId, message, ...rest } = decrypted;
  const known = findMessage(person, decrypted.id, decrypted.from);
  if (known) {
    if (!known.deviceIds.includes(deviceId)) known.deviceIds.push(deviceId);
    network.changed();
    return null;
  }
  const text = message.conversation ?? message.extendedTextMessage?.text;
  const stored: StoredMessage = {
    ...rest,
    at: Date.now(),
    bytes: Buffer.from(proto.Message.encode(message).finish()),
    ...(text ? { text } : {}),
    copies: 1,
    deviceIds: [deviceId],
  };
  await unpack(network, stored);
  person.state.inbox = [...person.state.inbox, stored].slice(-inboxMax);
  forgetOldAttachments(person);
  network.changed();
  person.onMessage(toReceived(stored));
  return stored;
}

/** Counts another stanza with the id of a message that is already in the inbox. */
export function countCopy(person: Person, id: string, from: string): void {
  const known = findMessage(person, id, from);
  if (known) known.copies += 1;
}

export const findMessage = (person: Person, id: string, from?: string): StoredMessage | undefined =>
  person.state.inbox.findLast((stored) => stored.id === id && (from === undefined || stored.from === from));

/** Fetches the newest attachments from the media host again after a restart. */
export async function reopenAttachments(network: Network, person: Person): Promise<void> {
  const withMedia = person.state.inbox.filter(({ media }) => media !== undefined);
  for (const stored of withMedia.slice(-attachmentsKept)) await unpack(network, stored);
}

export function toReceived(stored: StoredMessage): ReceivedMessage {
  const { bytes: _bytes, at, sender: _sender, deviceIds, media, mediaError, ...rest } = stored;
  const { message, bytes } = contentsOf(stored);
  const missing = media && !bytes ? (mediaError ?? "the attachment is no longer stored") : mediaError;
  return {
    ...rest,
    at: new Date(at),
    message,
    ...(media && bytes ? { media: { ...media, bytes } } : {}),
    ...(missing === undefined ? {} : { mediaError: missing }),
    deviceId: deviceIds[0] ?? 0,
    deviceIds: [...deviceIds],
  };
}

/** Records and fetches the attachment, if there is one. */
async function unpack(network: Network, stored: StoredMessage): Promise<void> {
  const derived = contentsOf(stored);
  const attachment = attachmentOf(network.media, derived.message);
  if (!attachment) return;
  const { open, ...media } = attachment;
  stored.media = media;
  if (media.caption) stored.text = media.caption;
  try {
    derived.bytes = await open();
    delete stored.mediaError;
  } catch (error) {
    stored.mediaError = error instanceof Error ? error.message : String(error);
  }
}

function contentsOf(stored: StoredMessage): Contents {
  const derived = contents.get(stored) ?? { message: proto.Message.decode(stored.bytes) };
  contents.set(stored, derived);
  return derived;
}

function forgetOldAttachments(person: Person): void {
  const withMedia = person.state.inbox.filter(({ media }) => media !== undefined);
  for (const stored of withMedia.slice(0, -attachmentsKept)) delete contents.get(stored)?.bytes;
}
