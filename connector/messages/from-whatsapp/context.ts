import { normaliseJid } from "#shared/jid.ts";
import type { proto } from "../../baileys/baileys.ts";
import { roomOf } from "./addressing.ts";
import { cut, filled, whole } from "./fields.ts";
import type { Body } from "./kind.ts";

type ContextInfo = proto.IContextInfo;

/** What a message says about others: what it answers, whom it names, where it comes from. */
export interface MessageContext {
  replyTo?: ReplyTo;
  mentions?: Mentions;
  forwarded?: true;
  /** The advertisement from which the chat began. */
  referral?: { sourceId?: string; clickId?: string; url?: string; headline?: string; body?: string };
  /** After how many seconds it disappears. */
  expiresIn?: number;
}

interface ReplyTo {
  messageId: string;
  sender?: string;
  /** The chat of the answered message, if that is another one: the statuses, or a group that is answered in private. */
  chat?: string;
}

export type Mentions = string[] | "all";

/** More are not kept: a group has at most 1,024 members. */
const mentionsMax = 1_024;

/** The context of the message in this chat whose content is in this field. */
export function contextOf(body: Body, field: string, chat: string): MessageContext {
  const target = targetOf(body);
  const info = contextInfo(body, field);
  if (!info) return filled({ replyTo: target });
  const ad = info.externalAdReply;
  const referral = filled({
    sourceId: ad?.sourceId,
    clickId: ad?.ctwaClid,
    url: ad?.sourceUrl,
    headline: ad?.title,
    body: ad?.body,
  });
  const isReferral = referral.sourceId !== undefined || referral.clickId !== undefined;
  return {
    ...filled({ replyTo: replyTo(info, chat), expiresIn: whole(info.expiration) || undefined }),
    ...filled({ mentions: mentionsOf(info) }),
    ...(info.isForwarded && { forwarded: true }),
    ...(isReferral && { referral }),
  };
}

/** Whom the message mentions whose content is in this field. */
export function mentionsIn(body: Body, field: string): Mentions | undefined {
  return mentionsOf(contextInfo(body, field) ?? {});
}

function mentionsOf({ mentionedJid, nonJidMentions }: ContextInfo): Mentions | undefined {
  if (nonJidMentions) return "all";
  const mentions = (mentionedJid ?? []).slice(0, mentionsMax).flatMap((jid) => normaliseJid(jid) ?? []);
  return mentions.length > 0 ? [...new Set(mentions)] : undefined;
}

function contextInfo(body: Body, field: string): ContextInfo | null {
  const value: unknown = body[field as keyof Body];
  const info =
    typeof value === "object" && value !== null && "contextInfo" in value ? value.contextInfo : null;
  return (info as ContextInfo | null | undefined) ?? null;
}

/** The message that a message of this kind is about, which a key names. */
function targetOf(body: Body): ReplyTo | undefined {
  const key =
    body.commentMessage?.targetMessageKey ??
    body.encCommentMessage?.targetMessageKey ??
    body.declinePaymentRequestMessage?.key ??
    body.cancelPaymentRequestMessage?.key ??
    body.sendPaymentMessage?.requestMessageKey;
  const sender = normaliseJid(key?.participant);
  return key?.id ? { messageId: cut.id(key.id), ...filled({ sender }) } : undefined;
}

function replyTo({ stanzaId, participant, remoteJid }: ContextInfo, chat: string): ReplyTo | undefined {
  if (!stanzaId) return undefined;
  const room = roomOf(remoteJid);
  const elsewhere = room === chat ? undefined : room;
  return { messageId: cut.id(stanzaId), ...filled({ sender: normaliseJid(participant), chat: elsewhere }) };
}
