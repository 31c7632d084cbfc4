import { jidUser, normaliseJid, phoneNumberOf } from "#shared/jid.ts";
import type { WAMessage } from "../../baileys/baileys.ts";
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

/** Null for a chat that is neither with a person nor a group nor for statuses. */
export function addressingOf(
  { remoteJid, remoteJidAlt, participant, participantAlt, fromMe }: WAMessage["key"],
  self: string,
): Addressing | null {
  const isMine = Boolean(fromMe);
  const author = personOf(participant, participantAlt);
  const room = remoteJid === statusChat ? statusChat : groupOf(remoteJid);
  if (room !== null) {
    if (isMine) return { chat: room, sender: self, isMine, isShared: true, known: {} };
    return author && { chat: room, sender: author.jid, isMine, isShared: true, known: author.known };
  }
  // A message to a broadcast list comes from its author alone.
  const peer = remoteJid?.endsWith("@broadcast") ? author : personOf(remoteJid, remoteJidAlt);
  if (!peer) return null;
  return { chat: peer.jid, sender: isMine ? self : peer.jid, isMine, isShared: false, known: peer.known };
}

const statusChat = "status@broadcast";

function groupOf(jid: string | null | undefined): string | null {
  const known = normaliseJid(jid);
  return known?.endsWith("@g.us") ? known : null;
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
