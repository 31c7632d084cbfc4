import { proto } from "@whiskeysockets/baileys";
import type { ReceivedMessage } from "./account.ts";
import { openMedia } from "./media-content.ts";
import type { Network } from "./network.ts";
import type { Person } from "./person.ts";
import type { StoredMessage } from "./state.ts";

const inboxMax = 1_000;

/** A message that one device of a person could read. */
export interface Reading {
  id: string;
  from: string;
  chat: string;
  fromMe: boolean;
  to: string;
  sender: number;
  deviceId: number;
  message: proto.IMessage;
}

/** Puts a message into the inbox, once however many devices read it. Returns true if it is new. */
export async function file(network: Network, person: Person, reading: Reading): Promise<boolean> {
  const { deviceId, message, ...rest } = reading;
  const known = find(person, reading.id, reading.from);
  if (known) {
    if (!known.deviceIds.includes(deviceId)) known.deviceIds.push(deviceId);
    network.changed();
    return false;
  }
  const stored: StoredMessage = {
    ...rest,
    at: Date.now(),
    bytes: Buffer.from(proto.Message.encode(message).finish()),
    ...(await contentOf(network, message)),
    copies: 1,
    deviceIds: [deviceId],
  };
  person.state.inbox = [...person.state.inbox, stored].slice(-inboxMax);
  network.changed();
  person.arrived(toReceived(stored));
  return true;
}

/** Another stanza with the id of a message that is here already. */
export function countCopy(person: Person, id: string, from: string): void {
  const known = find(person, id, from);
  if (known) known.copies += 1;
}

export const find = (person: Person, id: string, from?: string): StoredMessage | undefined =>
  person.state.inbox.findLast((stored) => stored.id === id && (from === undefined || stored.from === from));

export function toReceived(stored: StoredMessage): ReceivedMessage {
  const { bytes, at, sender: _sender, deviceIds, ...rest } = stored;
  return {
    ...rest,
    at: new Date(at),
    message: proto.Message.decode(bytes),
    deviceId: deviceIds[0] ?? 0,
    deviceIds: [...deviceIds],
  };
}

async function contentOf(network: Network, message: proto.IMessage): Promise<Partial<StoredMessage>> {
  const text = message.conversation ?? message.extendedTextMessage?.text ?? undefined;
  if (text !== undefined) return { text };
  return openMedia(network.media, message);
}
