/** Converts messages between WhatsApp's form and ours, and keeps the row and the status of each. */

import type { EventData, MessageContent } from "#shared/events.ts";
import { jidUser, normaliseJid, phoneNumberOf } from "#shared/jid.ts";
import type { proto, WAMessage } from "../baileys/baileys.ts";
import { isTooLarge } from "../baileys/too-large.ts";

/** A message that WhatsApp delivered, received or sent from another device of the account, in our words. */
export type SeenMessage = {
  /** The chat's JID as WhatsApp addressed it. Chat, sender and id together identify the message. */
  chat: string;
  sender: string;
  messageId: string;
} & (
  | { type: "incoming_message"; data: EventData["incoming_message"] }
  | { type: "outgoing_message"; data: EventData["outgoing_message"] }
);

/**
 * The event that callers get for a message; null for anything else: a placeholder for a message that could not be decrypted
 * yet, a notification, WhatsApp's own bookkeeping, and chats that are not with a person. `self` is the channel's own JID.
 */
export function fromWhatsApp(
  { key, message, messageTimestamp }: WAMessage,
  self: string,
): SeenMessage | null {
  const chat = normaliseJid(key.remoteJid);
  if (!chat || !key.id || !message || chat.endsWith("@g.us")) return null;
  const content = isTooLarge({ message }) ? tooLarge : contentOf(message);
  if (!content) return null;
  const messageId = key.id.slice(0, idLengthMax);
  const sentAt = timeOf(messageTimestamp);
  const peer = addressesOf(key.remoteJid, key.remoteJidAlt);
  const common = { messageId, ...peer.known, message: textOf(content), content, sentAt };
  if (key.fromMe) {
    const data = { ...common, from: peer.jid, to: peer.jid, sender: self, type: "outgoing" as const };
    return { chat, sender: self, messageId, type: "outgoing_message", data };
  }
  const data = { ...common, from: peer.jid, sender: peer.jid, type: "incoming" as const };
  return { chat, sender: chat, messageId, type: "incoming_message", data };
}

const tooLarge = { type: "unavailable", reason: "too_large" } as const;
/** WhatsApp's own ids have at most 32 characters, and ours are part of indexed keys. */
const idLengthMax = 256;

/** The same message, without the content that made it too large for the log. */
export function withoutContent(seen: SeenMessage): SeenMessage {
  const without = { message: "", content: tooLarge };
  return seen.type === "incoming_message"
    ? { ...seen, data: { ...seen.data, ...without } }
    : { ...seen, data: { ...seen.data, ...without } };
}

/** The end of the last year that RFC 3339 can write. */
const lastMs = Date.parse("9999-12-31T23:59:59Z");

/** RFC 3339; the Unix epoch when the timestamp is invalid, because the message counts all the same. */
function timeOf(seconds: WAMessage["messageTimestamp"]): string {
  const ms = Number(seconds ?? 0) * 1_000;
  return new Date(ms >= 0 && ms <= lastMs ? ms : 0).toISOString();
}

/** The phone number's JID if it is known, otherwise the LID's; `known` has whichever parts are known. */
function addressesOf(jid: string | null | undefined, other: string | null | undefined) {
  const jids = [normaliseJid(jid), normaliseJid(other)].filter((one) => one !== null);
  const phone = jids.find((one) => phoneNumberOf(one) !== null);
  const lid = jids.find((one) => one.endsWith("@lid"));
  return {
    jid: phone ?? lid ?? "",
    known: { ...(phone ? { phoneNumber: jidUser(phone) } : {}), ...(lid ? { lid } : {}) },
  };
}

function textOf(content: MessageContent): string {
  if (content.type === "text") return content.text;
  return "caption" in content ? (content.caption ?? "") : "";
}

type Body = proto.IMessage;

/** Removes the wrappers around a message. */
function unwrapped(message: Body): Body {
  const inner =
    message.ephemeralMessage?.message ??
    message.viewOnceMessage?.message ??
    message.viewOnceMessageV2?.message ??
    message.viewOnceMessageV2Extension?.message ??
    message.documentWithCaptionMessage?.message ??
    message.deviceSentMessage?.message;
  return inner ? unwrapped(inner) : message;
}

function contentOf(message: Body): MessageContent | null {
  const body = unwrapped(message);
  const text = body.conversation ?? body.extendedTextMessage?.text;
  if (text !== null && text !== undefined) return { type: "text", text };
  return mediaOf(body) ?? unsupported(body);
}

interface Attachment {
  mimetype?: string | null;
  fileLength?: number | { toNumber(): number } | null;
  caption?: string | null;
  fileName?: string | null;
}

function mediaOf(body: Body): MessageContent | null {
  const { imageMessage, videoMessage, audioMessage, documentMessage, stickerMessage } = body;
  if (imageMessage) return media("image", imageMessage);
  if (videoMessage) return media("video", videoMessage);
  if (audioMessage) return media(audioMessage.ptt ? "voice" : "audio", audioMessage);
  if (documentMessage) return media("document", documentMessage);
  if (stickerMessage) return media("sticker", stickerMessage);
  return null;
}

type MediaType = "image" | "video" | "audio" | "voice" | "document" | "sticker";

function media(type: MediaType, { mimetype, fileLength, caption, fileName }: Attachment): MessageContent {
  const sizeBytes = fileLength === null || fileLength === undefined ? null : Number(fileLength);
  return {
    type,
    mimetype: mimetype ?? null,
    sizeBytes,
    ...(caption ? { caption } : {}),
    ...(fileName ? { fileName } : {}),
  };
}

/** Fields of a message that mean nothing to a caller on their own. */
const bookkeeping = new Set(["messageContextInfo", "senderKeyDistributionMessage", "protocolMessage"]);

function unsupported(body: Body): MessageContent | null {
  const kinds = Object.entries(body).filter(([name, value]) => value && !bookkeeping.has(name));
  const [kind] = kinds[0] ?? [];
  return kind ? { type: "unsupported", kind } : null;
}
