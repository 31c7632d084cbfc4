import { LRUCache } from "lru-cache";
import { type EventData, type MessageStatus, messageStatusRank } from "../shared/events.ts";
import type { CommandQueue } from "./command-queue.ts";
import type { EventLog } from "./event-log.ts";
import type { MessageRecord } from "./message-record.ts";

type Told = EventData["message_status_update"];

/** What became of the channel's outgoing messages. Statuses only rise, whatever order the news comes in. */
export interface Delivery {
  /** News from WhatsApp; of a message that is not known it is dropped. Resolves when it is in the log, or was before. */
  update(told: Told): Promise<void>;
  /** News about one of our own commands, which may not have come as far as being a message. */
  tell(told: Told): Promise<void>;
}

export interface DeliveryOptions {
  channelId: string;
  log: EventLog;
  record: MessageRecord;
  queue: Pick<CommandQueue, "settleUnknown">;
}

const rememberedMax = 5_000;
const hasArrived: ReadonlySet<MessageStatus> = new Set(["sent", "delivered", "read", "played"]);

export function createDelivery({ channelId, log, record, queue }: DeliveryOptions): Delivery {
  const ranks = new LRUCache<string, number>({ max: rememberedMax });

  const raise = async (told: Told, stored: number) => {
    const { messageId, status } = told;
    const rank = messageStatusRank[status];
    // Looked at and set in one go: other news of the message may have come while the stored rank was read.
    const known = ranks.get(messageId) ?? stored;
    if (rank > known) {
      ranks.set(messageId, rank);
      await log.publish("message_status_update", told, `${channelId}/${messageId}/${status}`);
      await record.raise(messageId, status);
    }
    if (mayBeUnknown(status, known)) await queue.settleUnknown(messageId, { status: "sent" });
  };
  const storedRank = async (messageId: string) => ranks.get(messageId) ?? (await record.rank(messageId));

  return {
    async update(told) {
      const stored = await storedRank(told.messageId);
      if (stored !== null) await raise(told, stored);
    },
    async tell(told) {
      await raise(told, (await storedRank(told.messageId)) ?? messageStatusRank.queued);
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
