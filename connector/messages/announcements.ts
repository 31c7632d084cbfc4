import { createBoundedCache } from "#shared/bounded-cache.ts";
import type { CommandDocument } from "#shared/collections.ts";
import { commandTable } from "#shared/commands.ts";
import type { Content } from "#shared/content.ts";
import type { EventData } from "#shared/events.ts";
import type { ReceivedContent } from "#shared/received-content.ts";
import type { EventLog } from "../events/event-log.ts";
import type { SessionScope } from "../session-scope.ts";
import { deduplicationId } from "./deduplication-id.ts";
import type { KeyNames } from "./key-names.ts";
import { chatOfSend, type SentMessage } from "./message-rows.ts";

/** A send of which there is only the command. */
type UnsentSend = Pick<CommandDocument, "payload" | "createdAt" | "keyId"> & { messageId: string };

/** Tells every listener of each send, once, when the channel's connector takes it up: before any status of it. */
export interface Announcements {
  /** Resolves when the event is in the log. */
  announce(sent: SentMessage): Promise<void>;
  /** Announces a send that ends before its message was made. Otherwise as `announce`. */
  announceUnsent(send: UnsentSend): Promise<void>;
  /** The name of the key that submitted it. */
  via(send: Pick<CommandDocument, "keyId">): Promise<string | undefined>;
}

export interface AnnouncementsOptions {
  events: Pick<EventLog, "publish">;
  keyNames: KeyNames;
  /** The channel's own JID; empty while no account is linked. */
  ownJid(): string;
}

/** WhatsApp's answer may come so soon that its status shares the write. */
const togetherMs = 20;
/** A send is tried several times at most, within seconds. */
const rememberedMax = 5_000;

export function createAnnouncements(
  { channelId, now }: Pick<SessionScope, "channelId" | "now">,
  { events, keyNames, ownJid }: AnnouncementsOptions,
): Announcements {
  const announced = createBoundedCache<Promise<void>>(rememberedMax);
  const via: Announcements["via"] = ({ keyId }) => keyNames.of(keyId);

  const announce: Announcements["announce"] = (sent) => {
    const { messageId } = sent;
    const sender = sent.sender ?? ownJid();
    // Nobody's: no account is linked that could send it.
    if (sender === "") return Promise.resolve();
    const before = announced.get(messageId);
    if (before) return before;
    const chat = chatOfSend(sent);
    const id = deduplicationId(channelId, { chat, sender, messageId });
    const options = { withinMs: togetherMs };
    const published = events.publish("outgoing_message", eventOf(sent, chat, sender), id, options);
    announced.set(messageId, published);
    published.catch(() => announced.delete(messageId));
    return published;
  };

  return {
    announce,
    async announceUnsent(send) {
      const { data } = commandTable["message.send"].payload.safeParse(send.payload);
      if (!data || announced.has(send.messageId)) return;
      const { to, content } = data;
      const sentAt = new Date(now());
      const name = await via(send);
      await announce({
        ...{ messageId: send.messageId, to, jid: to, sender: null, type: content.type },
        ...{ text: textOf(content), content: asReceived(content), context: {} },
        ...(name !== undefined && { via: name }),
        ...{ queuedAt: send.createdAt, sentAt },
      });
    },
    via,
  };
}

function eventOf(sent: SentMessage, chat: string, sender: string): EventData["outgoing_message"] {
  const { messageId, text, content, context, via, sentAt } = sent;
  return {
    ...{ messageId, from: chat, to: chat, sender },
    sentAt: sentAt.toISOString(),
    ...{ message: text, content, ...context, type: "outgoing", origin: "api" },
    ...(via !== undefined && { via }),
  };
}

function textOf(content: Content): string {
  if (content.type === "text") return content.text;
  return ("caption" in content && content.caption) || "";
}

/** As far as the caller said it: the file was never fetched. */
function asReceived(content: Content): ReceivedContent {
  if (content.type === "text") return content;
  const { media: _, ...said } = content;
  return { ...said, mimetype: null, sizeBytes: null };
}
