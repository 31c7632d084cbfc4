import { setImmediate as nextTurn } from "node:timers/promises";
import { createBoundedCache } from "#shared/bounded-cache.ts";
import { type EventData, type MessageStatus, messageStatusRank } from "#shared/events.ts";
import { createKeyedQueue } from "../concurrency/keyed-queue.ts";
import type { EventLog } from "../events/event-log.ts";
import type { PublishedStatuses, SendKey } from "../events/published-statuses.ts";
import type { MessageStore } from "./message-store.ts";
import { createUnraised } from "./unraised.ts";

type StatusUpdate = EventData["message_status_update"];

/** Publishes the statuses of a channel's outgoing messages. A status only rises, in whatever order the updates arrive. */
export interface MessageStatuses {
  /**
   * Publishes an update from WhatsApp; drops it for an unknown message. Resolves when it is in the log. `recorded` is the
   * rank in the message's row, if it has just been read.
   */
  update(update: StatusUpdate, recorded?: number): Promise<void>;
  /**
   * Publishes an update about one of our own sends, which need not have a row in `messages` yet. Resolves when it is in the log
   * and an `unknown` command that it proves to have arrived is settled.
   */
  publish(update: StatusUpdate): Promise<void>;
  /**
   * Publishes that a send ended before the wire, once for each time it was queued. It does not count as a status: a caller
   * may retry the send, whose status then rises from the start.
   */
  publishNotSent(send: SendKey, code: string): Promise<void>;
  /** Call it before a message goes on the wire, when it cannot have a status yet: saves a query. */
  begin(messageId: string): void;
  /** Raises the rows of the statuses that a former owner published but died before it raised them. */
  repair(): Promise<void>;
  /**
   * The number after which the log may have statuses that rows in `messages` do not have yet; undefined if they have all.
   * Later statuses are not counted.
   */
  unraisedAfter(): number | undefined;
  /** Resolves when the rows have every status published so far, or could not be raised. */
  flush(): Promise<void>;
}

export interface MessageStatusesOptions {
  events: Pick<EventLog, "publish" | "lastSeq" | "raisedSeq">;
  publishedStatuses: PublishedStatuses;
  messageStore: MessageStore;
  /** A message arrived whose command may be `unknown`. Resolves when the command is settled. */
  onArrived(messageId: string): Promise<void>;
  /** Called when a row could not be raised. */
  onError(error: unknown): void;
}

const rememberedMax = 5_000;
const hasArrived: ReadonlySet<MessageStatus> = new Set(["sent", "delivered", "read", "played"]);
const { queued } = messageStatusRank;

export function createMessageStatuses(options: MessageStatusesOptions): MessageStatuses {
  const { events, publishedStatuses, messageStore, onArrived, onError } = options;
  const ranks = createBoundedCache<number>(rememberedMax);
  const inTurn = createKeyedQueue();
  const unraised = createUnraised(onError);

  const raise = async (update: StatusUpdate, known: number) => {
    const { messageId, ...step } = update;
    const { status } = step;
    const rank = messageStatusRank[status];
    if (rank > known) {
      ranks.set(messageId, rank);
      const { lastSeq } = events;
      const id = publishedStatuses.eventId(messageId, status);
      const published = events.publish("message_status_update", update, id);
      unraised.count(lastSeq, () => published.then(() => messageStore.raise(messageId, step)));
      await published;
    }
    if (mayBeUnknown(status, known)) await onArrived(messageId);
  };
  const storedRank = async (messageId: string, read?: number): Promise<number | null> => {
    const known = ranks.get(messageId);
    if (known !== undefined) return known;
    const recorded = read ?? (await messageStore.rank(messageId));
    if (recorded === null) return null;
    const status = await publishedStatuses.highest(messageId);
    const rank = Math.max(recorded, status ? messageStatusRank[status] : queued);
    // At once: `raisedSeq` no longer tells the next owner of this one.
    if (status && rank > recorded)
      await Promise.all([messageStore.raise(messageId, { status }), messageStore.flush()]);
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
    publish: (update) => inTurn(update.messageId, async () => raise(update, await ownRank(update.messageId))),
    publishNotSent: (send, code) =>
      inTurn(send.messageId, async () => {
        const { messageId } = send;
        if ((await ownRank(messageId)) > queued) return;
        const update: StatusUpdate = { messageId, status: "failed", error: { code } };
        await events.publish("message_status_update", update, publishedStatuses.notSentId(send));
        await messageStore.notSent(messageId, update.error);
      }),
    begin(messageId) {
      if (!ranks.has(messageId)) ranks.set(messageId, queued);
    },
    async repair() {
      const { raisedSeq, lastSeq } = events;
      if (raisedSeq === undefined || raisedSeq >= lastSeq) return;
      unraised.count(raisedSeq, async () => {
        for await (const page of publishedStatuses.between(raisedSeq, lastSeq))
          await Promise.all(page.map(({ messageId, ...step }) => messageStore.raise(messageId, step)));
      });
      await unraised.idle();
    },
    unraisedAfter: unraised.after,
    async flush() {
      // Lets what was just published begin to wait for its raise.
      await nextTurn();
      await messageStore.flush();
      await unraised.idle();
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
