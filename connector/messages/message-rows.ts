import type { Binary } from "mongodb";
import { contextFields, type MessageContext, type MessageDocument } from "#shared/collections.ts";
import { messageStatusRank } from "#shared/events.ts";
import { phoneNumberOf } from "#shared/jid.ts";
import type { SeenMessage } from "./from-whatsapp/from-whatsapp.ts";
import { kindsName } from "./from-whatsapp/kinds.ts";

/** A row to insert, whose date is added with it. */
export type NewRow = Omit<MessageDocument, "channelId" | "timestamp" | "recordedAt">;

/** A message of ours as it goes on the wire. */
export interface SentMessage {
  messageId: string;
  /** The JID that the caller asked for, and the one that WhatsApp names for it. */
  to: string;
  jid: string;
  /** The account's own JID. */
  sender: string | null;
  type: string;
  text: string;
  content: NonNullable<MessageDocument["content"]>;
  context: MessageContext;
  /** The name of the key with which a caller sent it. */
  via?: string;
  queuedAt: Date;
  sentAt: Date;
}

/** What `rowOfSend` was made of; null for a row that does not say so much, of a former version or of another device's message. */
export function sendOfRow(row: MessageDocument): SentMessage | null {
  const { messageId, chat, sentTo, to, sender, type, origin, via, text, content, context, history, sentAt } =
    row;
  if (origin !== "api" || text === undefined || !content || !sentAt) return null;
  return {
    ...{
      messageId,
      to: to ?? chat,
      jid: sentTo ?? chat,
      sender,
      type,
      text,
      content,
      context: context ?? {},
    },
    ...(via !== undefined && { via }),
    ...{ queuedAt: history?.[0]?.at ?? sentAt, sentAt },
  };
}

/** What a message event tells of its message. */
export type SeenContent = Extract<SeenMessage, { type: "incoming_message" | "outgoing_message" }>;

export function outId(channelId: string, messageId: string): string {
  return `${channelId}/out/${messageId}`;
}

/** The chat of a send: answers come from the number that WhatsApp names. */
export function chatOfSend({ to, jid }: Pick<SentMessage, "to" | "jid">): string {
  return phoneNumberOf(jid) === null ? to : jid;
}

/** The row of a message that a caller sent. */
export function rowOfSend(_id: string, sent: SentMessage, proto: Binary): NewRow {
  const { messageId, to, jid, sender, type, text, content, context, via, queuedAt, sentAt } = sent;
  const chat = chatOfSend(sent);
  return {
    _id,
    messageId,
    direction: "out",
    chat,
    ...(jid !== chat && { sentTo: jid }),
    ...(to !== chat && { to }),
    sender,
    type,
    origin: "api",
    ...(via !== undefined && { via }),
    text,
    content,
    ...rowContext(context, sentAt),
    status: "queued",
    statusRank: messageStatusRank.queued,
    history: [{ status: "queued", at: queuedAt }],
    proto,
    sentAt,
  };
}

/** The row of a message that was received, or sent from another device of the account. */
export function rowOfSeen(_id: string, seen: SeenContent, proto: Binary): NewRow {
  const { chat, sender, messageId, data } = seen;
  const { message: text, content, pushName } = data;
  const sentAt = new Date(data.sentAt);
  const { sent } = messageStatusRank;
  return {
    _id,
    messageId,
    direction: seen.type === "incoming_message" ? "in" : "out",
    chat,
    sender,
    type: content.type,
    ...(content.type === "unsupported" && { readBy: kindsName }),
    origin: seen.type === "incoming_message" ? "contact" : seen.data.origin,
    text,
    content,
    ...rowContext(data, sentAt),
    ...(pushName !== undefined && { pushName }),
    ...(seen.type === "incoming_message"
      ? { status: null, statusRank: 0 }
      : { status: "sent", statusRank: sent, history: [{ status: "sent", at: sentAt }] }),
    proto,
    sentAt,
  };
}

/** A message disappears so long after it was sent. */
function rowContext(said: MessageContext, sentAt: Date): Pick<NewRow, "context" | "expiresAt"> {
  const found = contextFields.filter((field) => said[field] !== undefined);
  const { expiresIn } = said;
  const expiresAt = expiresIn === undefined ? null : new Date(sentAt.getTime() + expiresIn * 1_000);
  return {
    ...(found.length > 0 && { context: Object.fromEntries(found.map((field) => [field, said[field]])) }),
    ...(expiresAt && !Number.isNaN(expiresAt.getTime()) && { expiresAt }),
  };
}
