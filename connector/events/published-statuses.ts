import type { CommandDocument, EventDocument } from "#shared/collections.ts";
import type { Collections } from "#shared/database.ts";
import { type EventData, type MessageStatus, messageStatuses, messageStatusRank } from "#shared/events.ts";

/** Identifies a send for the ids of its events. `ord` is new whenever the caller queues the command again. */
export type SendKey = Pick<CommandDocument, "ord"> & { messageId: string };

/** A status in the log, and when it came there. */
type PublishedStatus = Update & { at: Date };

/** The outcome of a send, as far as the log has it. */
export interface PublishedOutcome {
  /** WhatsApp accepted the message, or a recipient has it. */
  hasArrived: boolean;
  /** WhatsApp's error, if it rejected the message. */
  refusal: { code: string; whatsappCode?: number } | null;
  /** Why the message did not reach the wire since its command was last queued. */
  notSent: { code: string } | null;
}

/**
 * The statuses of outgoing messages in one channel's log. Each status has its own event id, so it is published once.
 */
export interface PublishedStatuses {
  /** The id of the event that publishes this status. */
  eventId(messageId: string, status: MessageStatus): string;
  /** The id of the event that publishes that a send ended before the wire; different each time the send is queued. */
  notSentId(send: SendKey): string;
  /** The highest status that was published; null if none was. */
  highest(messageId: string): Promise<MessageStatus | null>;
  /** The statuses in the log after the first of these numbers, up to the second, in pages. */
  between(after: number, upTo: number): AsyncIterable<PublishedStatus[]>;
  /** By message id. */
  outcomes(sends: readonly SendKey[]): Promise<Map<string, PublishedOutcome>>;
}

const pageMax = 1_000;
const publishableStatuses = messageStatuses.filter((status) => status !== "queued");
const arrived = publishableStatuses.filter(
  (status) => status !== "failed" && messageStatusRank[status] >= messageStatusRank.sent,
);

type Update = EventData["message_status_update"];

export function createPublishedStatuses(
  { events }: Pick<Collections, "events">,
  channelId: string,
): PublishedStatuses {
  const eventId = (messageId: string, status: MessageStatus) => `${channelId}/${messageId}/${status}`;
  const notSentId = ({ messageId, ord }: SendKey) => `${eventId(messageId, "failed")}/${ord}`;
  const read = (ids: string[]) =>
    events.find({ _id: { $in: ids } }, { projection: { data: 1 }, readPreference: "primary" }).toArray();

  return {
    eventId,
    notSentId,
    async highest(messageId) {
      const found = await read(publishableStatuses.map((status) => eventId(messageId, status)));
      const statuses = found.map(({ data }) => (data as unknown as Update).status);
      return statuses.toSorted((a, b) => messageStatusRank[b] - messageStatusRank[a])[0] ?? null;
    },
    async *between(after, upTo) {
      for (let last = after; last < upTo; ) {
        const filter = { channelId, seq: { $gt: last, $lte: upTo }, type: "message_status_update" };
        const options = { projection: { seq: 1, data: 1, timestamp: 1 }, readPreference: "primary" } as const;
        const page = await events.find(filter, options).sort({ seq: 1 }).limit(pageMax).toArray();
        yield page.flatMap(({ _id, data, timestamp: at }) => {
          const { messageId, status, error } = data as unknown as Update;
          // A send that ended before the wire has no status.
          return _id === eventId(messageId, status)
            ? [{ messageId, status, at, ...(error && { error }) }]
            : [];
        });
        last = page.length < pageMax ? upTo : (page.at(-1)?.seq ?? upTo);
      }
    },
    async outcomes(sends) {
      const ids = sends.flatMap((send) => [
        notSentId(send),
        ...publishableStatuses.map((status) => eventId(send.messageId, status)),
      ]);
      const found = new Map((await read(ids)).map((event) => [event._id, event]));
      const errorOf = (id: string) => errorIn(found.get(id));
      return new Map(
        sends.map((send) => [
          send.messageId,
          {
            hasArrived: arrived.some((status) => found.has(eventId(send.messageId, status))),
            refusal: errorOf(eventId(send.messageId, "failed")),
            notSent: errorOf(notSentId(send)),
          },
        ]),
      );
    },
  };
}

function errorIn(event: EventDocument | undefined): NonNullable<Update["error"]> | null {
  if (!event) return null;
  return (event.data as unknown as Update).error ?? { code: "whatsapp_rejected" };
}
