import { randomBytes } from "node:crypto";
import { proto } from "#connector/baileys/baileys.ts";
import type { SentMessage } from "#connector/messages/message-rows.ts";
import { createMessageSeal, type MessageSeal } from "#connector/messages/message-seal.ts";
import type { WrappedKeyDocument } from "#shared/collections.ts";

const masterKeys = [randomBytes(32)];
const saved = new Map<string, WrappedKeyDocument[]>();

/** The seal of a channel, which later owners of it in this file can open. */
export function testSeal(channelId: string): MessageSeal {
  return createMessageSeal({
    channel: { _id: channelId, messageKeys: saved.get(channelId) ?? [] },
    masterKeys,
    save: async (keys) => void saved.set(channelId, keys),
  });
}

/** A text that a caller sends, as `MessageStore.sending` takes it. */
export function sentText(
  messageId: string,
  to: string,
  text: string,
  changes: Partial<SentMessage> = {},
): [SentMessage, proto.IMessage] {
  const sentAt = new Date();
  const content = { type: "text" as const, text };
  const sent = { messageId, to, jid: to, sender: null, text, content, context: {}, queuedAt: sentAt, sentAt };
  return [{ ...sent, type: "text", ...changes }, proto.Message.fromObject({ conversation: text })];
}

/** For what announces nothing. */
export const noAnnouncements = { announce: async () => undefined };
