import { jidUser, normaliseJid, phoneNumberOf } from "#shared/jid.ts";
import type { WAMessage } from "../../baileys/baileys.ts";
import type { Parties } from "../parties.ts";
import { filled } from "./fields.ts";

/** A chat and the author of a message in it. */
export interface Addressing {
  chat: string;
  sender: string;
  /** The message was written on a device of the account. */
  isMine: boolean;
  /** Whether more than one other person can write there. */
  isShared: boolean;
  /** What is known of the author, or of whom the account writes to. */
  known: { phoneNumber?: string; lid?: string };
}

/** The channel's own account. */
export interface OwnAccount {
  /** Its JID, by which callers know it. */
  jid: string;
  isOwn: Parties["isOwn"];
}

/** Null for a chat that is neither with a person nor a group nor for statuses. */
export function addressingOf(key: WAMessage["key"], account: OwnAccount): Addressing | null {
  const { remoteJid, remoteJidAlt, participant, participantAlt } = key;
  const isBroadcast = remoteJid?.endsWith("@broadcast") ?? false;
  const room = roomOf(remoteJid);
  // In broadcasts and notices, Baileys compares the author with the account's number only.
  const isMine = Boolean(key.fromMe) || (room !== null && account.isOwn(participant));
  if (room !== null && isMine) return { chat: room, sender: account.jid, isMine, isShared: true, known: {} };
  const author = personOf(participant, participantAlt ?? (isBroadcast ? remoteJidAlt : null));
  if (room !== null && !isList(room))
    return author && { chat: room, sender: author.jid, isMine, isShared: true, known: author.known };
  // A message to a broadcast list comes from its author alone.
  const peer = isBroadcast ? author : personOf(remoteJid, remoteJidAlt);
  const sender = isMine ? account.jid : peer?.jid;
  return peer && sender ? { chat: peer.jid, sender, isMine, isShared: false, known: peer.known } : null;
}

const statusChat = "status@broadcast";

/** A chat that has a name of its own: a group, the statuses, a broadcast list. */
export function roomOf(jid: string | null | undefined): string | null {
  if (jid && (jid === statusChat || isList(jid))) return jid;
  const known = normaliseJid(jid);
  return known?.endsWith("@g.us") ? known : null;
}

function isList(jid: string): boolean {
  return /^\d{1,20}@broadcast$/.test(jid);
}

/** The phone number's JID if it is known, otherwise the LID's. Null if it is not a person's. */
function personOf(jid: string | null | undefined, other: string | null | undefined) {
  const jids = [jid, other].map(normaliseJid).filter((one) => one !== null);
  const phone = jids.find((one) => phoneNumberOf(one) !== null);
  const lid = jids.find((one) => one.endsWith("@lid"));
  const known = filled({ phoneNumber: phone && jidUser(phone), lid });
  const person = phone ?? lid;
  return person ? { jid: person as string, known } : null;
}
