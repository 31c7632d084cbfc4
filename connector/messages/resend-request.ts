import type { proto, WAMessage } from "../baileys/baileys.ts";
import type { MessageStore } from "./message-store.ts";
import type { Parties } from "./parties.ts";

/** The chat and the asker of a request, as Baileys puts them into a key. The own account's devices may leave the chat out. */
type RequestKey = Pick<WAMessage["key"], "id" | "remoteJid" | "participant">;

/** Finds a message of ours that somebody asks for again; undefined for anybody whom it was not for. */
export type ResendRequests = (key: RequestKey) => Promise<proto.IMessage | undefined>;

export interface ResendRequestsOptions {
  messageStore: Pick<MessageStore, "sent">;
  parties: Parties;
  ownJid(): string;
}

/**
 * An id alone is no proof: it can be guessed, and whoever shares a group or a device has seen it. In a group WhatsApp passes
 * on only what members send.
 */
export function createResendRequests({
  messageStore,
  parties,
  ownJid,
}: ResendRequestsOptions): ResendRequests {
  return async ({ id, remoteJid, participant }) => {
    const sent = id ? await messageStore.sent(id) : null;
    if (!sent) return undefined;
    const chat = remoteJid ?? ownJid();
    if (!(await parties.isOneOf(chat, sent.chats))) return undefined;
    const isForAsker =
      chat.endsWith("@g.us") ||
      parties.isOwn(participant) ||
      (await parties.isOneOf(participant ?? chat, sent.chats));
    return isForAsker ? sent.message : undefined;
  };
}
