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
const arrived: readonly MessageStatus[] = ["sent", "delivered", "read", "played"];

export function createDelivery({ channelId, log, record, queue }: DeliveryOptions): Delivery {
  const ranks = new LRUCache<string, number>({ max: rememberedMax });

  const raise = async (told: Told, known: number) => {
    const { messageId, status } = told;
    const rank = messageStatusRank[status];
    if (rank <= known) return;
    ranks.set(messageId, rank);
    await log.publish("message_status_update", told, `${channelId}/${messageId}/${status}`);
    await record.raise(messageId, status);
    if (known === messageStatusRank.unknown && arrived.includes(status)) {
      await queue.settleUnknown(messageId, { status: "sent" });
    }
  };
  const knownRank = async (messageId: string) => ranks.get(messageId) ?? (await record.rank(messageId));

  return {
    async update(told) {
      const known = await knownRank(told.messageId);
      if (known !== null) await raise(told, known);
    },
    async tell(told) {
      await raise(told, (await knownRank(told.messageId)) ?? messageStatusRank.queued);
    },
  };
}
