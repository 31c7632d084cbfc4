import { normaliseJid } from "#shared/jid.ts";
import type { proto } from "../../baileys/baileys.ts";
import { cut, filled, whole } from "./fields.ts";
import type { Body } from "./kind.ts";

type ContextInfo = proto.IContextInfo;

/** What a message says about others: what it answers, whom it names, where it comes from. */
export interface MessageContext {
  replyTo?: { messageId: string; sender?: string };
  mentions?: string[];
  forwarded?: true;
  /** The advertisement from which the chat began. */
  referral?: { sourceId?: string; clickId?: string; url?: string; headline?: string; body?: string };
  /** After how many seconds it disappears. */
  expiresIn?: number;
}

/** More are not kept: a group has at most 1,024 members. */
const mentionsMax = 1_024;

/** The context of the message whose content is in this field. */
export function contextOf(body: Body, field: string): MessageContext {
  const info = contextInfo(body, field);
  if (!info) return {};
  const mentions = (info.mentionedJid ?? []).slice(0, mentionsMax).flatMap((jid) => normaliseJid(jid) ?? []);
  const ad = info.externalAdReply;
  const referral = filled({
    ...{ sourceId: ad?.sourceId, clickId: ad?.ctwaClid, url: ad?.sourceUrl },
    ...{ headline: ad?.title, body: ad?.body },
  });
  const isReferral = referral.sourceId !== undefined || referral.clickId !== undefined;
  return {
    ...filled({ replyTo: replyTo(info), expiresIn: whole(info.expiration) || undefined }),
    ...(mentions.length > 0 && { mentions: [...new Set(mentions)] }),
    ...(info.isForwarded && { forwarded: true }),
    ...(isReferral && { referral }),
  };
}

function contextInfo(body: Body, field: string): ContextInfo | null {
  const value: unknown = body[field as keyof Body];
  const info =
    typeof value === "object" && value !== null && "contextInfo" in value ? value.contextInfo : null;
  return (info as ContextInfo | null | undefined) ?? null;
}

function replyTo({ stanzaId, participant }: ContextInfo) {
  if (!stanzaId) return undefined;
  const sender = normaliseJid(participant);
  return { messageId: cut.id(stanzaId), ...(sender && { sender }) };
}
