import { LRUCache } from "lru-cache";
import { type EventData, type MessageStatus, messageStatusRank } from "#shared/events.ts";
import { createKeyedQueue } from "../concurrency/keyed-queue.ts";
import type { EventLog } from "../events/event-log.ts";
import type { PublishedStatuses, SendKey } from "../events/published-statuses.ts";
import type { MessageStore } from "./message-store.ts";

type StatusUpdate = EventData["message_status_update"];

/** What became of the channel's outgoing messages. Statuses only rise, whatever order the news comes in. */
export interface MessageStatuses {
  /** News from WhatsApp; of a message that is not known it is dropped. Resolves when it is in the log, or was before. */
  update(news: StatusUpdate): Promise<void>;
  /**
   * News about one of our own commands, which may not have come as far as being a message. `logged` is called when it is
   * in the log, or was before: the record of the message follows.
   */
  publish(news: StatusUpdate, logged?: () => void): Promise<void>;
  /**
   * A send ended before the wire. It can be tried again and then has a status that rises from the beginning, so this is
   * told and is no step on the way; once for each time the send was queued.
   */
  publishNotSent(send: SendKey, code: string): Promise<void>;
  /** A message is about to be put on the wire; nothing is known of it yet. */
  begin(messageId: string): void;
}

export interface MessageStatusesOptions {
  events: EventLog;
  publishedStatuses: PublishedStatuses;
  messageStore: MessageStore;
  /** A message arrived whose command may be held for `unknown`. Resolves when that is put right. */
  onArrived(messageId: string): Promise<void>;
}

const rememberedMax = 5_000;
const hasArrived: ReadonlySet<MessageStatus> = new Set(["sent", "delivered", "read", "played"]);
const { queued } = messageStatusRank;

export function createMessageStatuses({
  events,
  publishedStatuses,
  messageStore,
  onArrived,
}: MessageStatusesOptions): MessageStatuses {
  const ranks = new LRUCache<string, number>({ max: rememberedMax });
  const inTurn = createKeyedQueue();

  const raise = async (news: StatusUpdate, known: number, logged?: () => void) => {
    const { messageId, status } = news;
    const rank = messageStatusRank[status];
    if (rank > known) {
      ranks.set(messageId, rank);
      await events.publish("message_status_update", news, publishedStatuses.eventId(messageId, status));
      logged?.();
      await messageStore.raise(messageId, status);
    }
    logged?.();
    if (mayBeUnknown(status, known)) await onArrived(messageId);
  };
  /** The log is ahead of the record when their writer died between them. */
  const storedRank = async (messageId: string): Promise<number | null> => {
    const known = ranks.get(messageId);
    if (known !== undefined) return known;
    const recorded = await messageStore.rank(messageId);
    if (recorded === null) return null;
    const status = await publishedStatuses.highest(messageId);
    const rank = Math.max(recorded, status ? messageStatusRank[status] : queued);
    if (status && rank > recorded) await messageStore.raise(messageId, status);
    ranks.set(messageId, rank);
    return rank;
  };
  const ownRank = async (messageId: string): Promise<number> => {
    const stored = await storedRank(messageId);
    if (stored !== null) return stored;
    const status = await publishedStatuses.highest(messageId);
    return status ? messageStatusRank[status] : queued;
  };

  return {
    update: (news) =>
      inTurn(news.messageId, async () => {
        const stored = await storedRank(news.messageId);
        if (stored !== null) await raise(news, stored);
      }),
    publish: (news, logged) =>
      inTurn(news.messageId, async () => raise(news, await ownRank(news.messageId), logged)),
    publishNotSent: (send, code) =>
      inTurn(send.messageId, async () => {
        const { messageId } = send;
        if ((await ownRank(messageId)) > queued) return;
        const news: StatusUpdate = { messageId, status: "failed", error: { code } };
        await events.publish("message_status_update", news, publishedStatuses.notSentId(send));
        await messageStore.notSent(messageId);
      }),
    begin(messageId) {
      if (!ranks.has(messageId)) ranks.set(messageId, queued);
    },
  };
}

/** Whether the command may be held for `unknown` although the message arrived; the one may be heard before the other. */
function mayBeUnknown(status: MessageStatus, known: number): boolean {
  if (status === "unknown") return known >= messageStatusRank.sent && known !== messageStatusRank.failed;
  return (
    hasArrived.has(status) && (known === messageStatusRank.unknown || known === messageStatusRank.failed)
  );
}
