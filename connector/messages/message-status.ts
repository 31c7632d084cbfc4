import { createBoundedCache } from "#shared/bounded-cache.ts";
import { type EventData, type MessageStatus, messageStatusRank } from "#shared/events.ts";
import { createKeyedQueue } from "../concurrency/keyed-queue.ts";
import type { EventLog } from "../events/event-log.ts";
import type { PublishedStatuses, SendKey } from "../events/published-statuses.ts";
import type { MessageStore } from "./message-store.ts";

type StatusUpdate = EventData["message_status_update"];

/** Publishes the statuses of a channel's outgoing messages. A status only rises, in whatever order the updates arrive. */
export interface MessageStatuses {
  /**
   * Publishes an update from WhatsApp; drops it for an unknown message. Resolves when it is in the log. `recorded` is the
   * rank in the message's row, if it has just been read.
   */
  update(update: StatusUpdate, recorded?: number): Promise<void>;
  /**
   * Publishes an update about one of our own sends, which need not have a row in `messages` yet. `logged` is called when the
   * update is in the log; the row is written after that.
   */
  publish(update: StatusUpdate, logged?: () => void): Promise<void>;
  /**
   * Publishes that a send ended before the wire, once for each time it was queued. It does not count as a status: a caller
   * may retry the send, whose status then rises from the start.
   */
  publishNotSent(send: SendKey, code: string): Promise<void>;
  /** Call it before a message goes on the wire, when it cannot have a status yet: saves a query. */
  begin(messageId: string): void;
}

export interface MessageStatusesOptions {
  events: EventLog;
  publishedStatuses: PublishedStatuses;
  messageStore: MessageStore;
  /** A message arrived whose command may be `unknown`. Resolves when the command is settled. */
  onArrived(messageId: string): Promise<void>;
}

const rememberedMax = 5_000;
const hasArrived: ReadonlySet<MessageStatus> = new Set(["sent", "delivered", "read", "played"]);
const { queued } = messageStatusRank;

export function createMessageStatuses(options: MessageStatusesOptions): MessageStatuses {
  const { events, publishedStatuses, messageStore, onArrived } = options;
  const ranks = createBoundedCache<number>(rememberedMax);
  const inTurn = createKeyedQueue();

  const raise = async (update: StatusUpdate, known: number, logged?: () => void) => {
    const { messageId, status } = update;
    const rank = messageStatusRank[status];
    if (rank > known) {
      ranks.set(messageId, rank);
      await events.publish("message_status_update", update, publishedStatuses.eventId(messageId, status));
      logged?.();
      await messageStore.raise(messageId, status);
    }
    logged?.();
    if (mayBeUnknown(status, known)) await onArrived(messageId);
  };
  /** Repairs a row that is behind the log because the process died between the two writes. */
  const storedRank = async (messageId: string, read?: number): Promise<number | null> => {
    const known = ranks.get(messageId);
    if (known !== undefined) return known;
    const recorded = read ?? (await messageStore.rank(messageId));
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
    update: (update, recorded) =>
      inTurn(update.messageId, async () => {
        const stored = await storedRank(update.messageId, recorded);
        if (stored !== null) await raise(update, stored);
      }),
    publish: (update, logged) =>
      inTurn(update.messageId, async () => raise(update, await ownRank(update.messageId), logged)),
    publishNotSent: (send, code) =>
      inTurn(send.messageId, async () => {
        const { messageId } = send;
        if ((await ownRank(messageId)) > queued) return;
        const update: StatusUpdate = { messageId, status: "failed", error: { code } };
        await events.publish("message_status_update", update, publishedStatuses.notSentId(send));
        await messageStore.notSent(messageId);
      }),
    begin(messageId) {
      if (!ranks.has(messageId)) ranks.set(messageId, queued);
    },
  };
}

/** Whether the command may be `unknown` although the message arrived: receipt and outcome arrive in either order. */
function mayBeUnknown(status: MessageStatus, known: number): boolean {
  if (status === "unknown") return known >= messageStatusRank.sent && known !== messageStatusRank.failed;
  return (
    hasArrived.has(status) && (known === messageStatusRank.unknown || known === messageStatusRank.failed)
  );
}
