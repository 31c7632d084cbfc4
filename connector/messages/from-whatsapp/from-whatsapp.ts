/** Converts messages between WhatsApp's form and ours, and keeps the row and the status of each. */

import { jidUser, normaliseJid, phoneNumberOf } from "#shared/jid.ts";
import type { MessageEventData } from "#shared/message-events.ts";
import { deviceOf } from "../../baileys/arrivals.ts";
import type { WAMessage } from "../../baileys/baileys.ts";
import { isTooLarge } from "../../baileys/too-large.ts";
import { type Change, changeIn } from "./change.ts";
import { contextOf } from "./context.ts";
import { cut, filled, timeOf } from "./fields.ts";
import type { Body } from "./kind.ts";
import { kindOf } from "./kinds.ts";
import { unwrap } from "./unwrap.ts";

type SeenType = keyof MessageEventData;

/** An event of a message, and what identifies the message that caused it: chat, sender and id together. */
export type SeenMessage = {
  [Type in SeenType]: {
    /** A JID, as `data` has it. */
    chat: string;
    sender: string;
    messageId: string;
    type: Type;
    data: MessageEventData[Type];
  };
}[SeenType];

/**
 * The event that callers get for a message that WhatsApp delivered, received or sent from another device of the account; null for
 * anything else: a placeholder for a message that could not be decrypted yet, a notification, WhatsApp's own bookkeeping, and
 * newsletters. `self` is the channel's own JID. LIDs are as they came: see `withKnownNumbers`.
 */
export function fromWhatsApp(whole: WAMessage, self: string): SeenMessage | null {
  const { key, message } = whole;
  const place = placeOf(key, self);
  if (!place || !key.id || !message) return null;
  const said = {
    ...{ from: place.chat, sender: place.sender, ...place.known },
    ...filled({ pushName: key.fromMe ? undefined : cut.name(whole.pushName ?? "") }),
    // A message without a valid time counts all the same.
    sentAt: timeOf(whole.messageTimestamp ?? 0) ?? epoch,
  };
  const seen = { chat: place.chat, sender: place.sender, messageId: cut.id(key.id) };
  const { body, isViewOnce } = unwrap(message);
  const change = changeIn(body);
  if (change) return changed(seen, said, change, { ...place, self, isMine: Boolean(key.fromMe) });
  const content = isTooLarge({ message }) ? tooLarge : contentOf(body, isViewOnce);
  if (!content) return null;
  const data = { messageId: seen.messageId, ...said, ...content };
  return key.fromMe
    ? {
        ...seen,
        type: "outgoing_message",
        data: { ...data, to: place.chat, type: "outgoing", origin: originOf(whole) },
      }
    : { ...seen, type: "incoming_message", data: { ...data, type: "incoming" } };
}

/** Baileys' messages of our own come from the phone unless another device is named. */
function originOf(whole: WAMessage): "phone" | "other_device" {
  return (deviceOf(whole) ?? 0) === 0 ? "phone" : "other_device";
}

const unavailable = { type: "unavailable", reason: "too_large" } as const;
const tooLarge = { message: "", content: unavailable };
const epoch = new Date(0).toISOString();

/** The same event, without the content that made it too large for the log. */
export function withoutContent(seen: SeenMessage): SeenMessage {
  const { replyTo: _, mentions: __, referral: ___, ...data } = { ...seen.data } as Record<string, unknown>;
  return { ...seen, data: { ...data, ...("content" in data && tooLarge) } } as SeenMessage;
}

function contentOf(body: Body, isViewOnce: boolean) {
  const kind = kindOf(body);
  if (!kind) return null;
  const { content, text } = kind.convert();
  const once = isViewOnce && "mimetype" in content ? { viewOnce: true as const } : {};
  return { message: text, content: { ...content, ...once }, ...contextOf(body, kind.field) };
}

type Said = Pick<MessageEventData["message_deleted"], "from" | "sender" | "sentAt">;
type Key = WAMessage["key"];

/** A chat and the author of a message in it. */
interface Place {
  chat: string;
  sender: string;
  /** Whether more than one other person can write there. */
  isShared: boolean;
  /** What is known of the author, or of whom the account writes to. */
  known: { phoneNumber?: string; lid?: string };
}

interface ChangePlace extends Place {
  self: string;
  /** The change was made on a device of the account. */
  isMine: boolean;
}

/** Null for a change of a message that is not the sender's to change. */
function changed(
  seen: Pick<SeenMessage, "chat" | "sender" | "messageId">,
  said: Said,
  { key, ...change }: Change,
  place: ChangePlace,
): SeenMessage | null {
  const author = authorOf(key, change.type, place);
  const isOwn = author === said.sender;
  // A group's administrators delete what others wrote.
  const isAllowed = change.type === "message_deleted" ? isOwn || place.isShared : isOwn;
  const mustBeAllowed = change.type === "message_edited" || change.type === "message_deleted";
  if (!key.id || !author || (mustBeAllowed && !isAllowed)) return null;
  const data = { messageId: cut.id(key.id), ...said, author };
  if (change.type !== "message_edited") {
    const { type, ...fields } = change;
    return { ...seen, type, data: { ...data, ...fields } } as SeenMessage;
  }
  const { content, text } = change;
  return { ...seen, type: change.type, data: { ...data, message: text, content } };
}

/** Who wrote the message that a key names, as the sender of the key sees it; Baileys has turned that of a reaction to our side. */
function authorOf(key: Change["key"], type: SeenType, { chat, sender, self, isMine, isShared }: ChangePlace) {
  const isOurSide = isMine || type === "reaction";
  if (key.fromMe) return isOurSide ? self : sender;
  if (isShared) return normaliseJid(key.participant);
  return isOurSide ? chat : self;
}

/** Null for a chat that is neither with a person nor a group nor for statuses. */
function placeOf(
  { remoteJid, remoteJidAlt, participant, participantAlt, fromMe }: Key,
  self: string,
): Place | null {
  const author = personOf(participant, participantAlt);
  const room = remoteJid === statusChat ? statusChat : groupOf(remoteJid);
  if (room !== null) {
    if (fromMe) return { chat: room, sender: self, isShared: true, known: {} };
    return author && { chat: room, sender: author.jid, isShared: true, known: author.known };
  }
  // A message to a broadcast list comes from its author alone.
  const peer = remoteJid?.endsWith("@broadcast") ? author : personOf(remoteJid, remoteJidAlt);
  return peer && { chat: peer.jid, sender: fromMe ? self : peer.jid, isShared: false, known: peer.known };
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
