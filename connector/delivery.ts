import { LRUCache } from "lru-cache";
import { type EventData, type MessageStatus, messageStatusRank } from "../shared/events.ts";
import type { CommandQueue } from "./command-queue.ts";
import type { EventLog } from "./event-log.ts";
import type { MessageRecord } from "./message-record.ts";
import { createTurnsByKey } from "./turns-by-key.ts";

type Told = EventData["message_status_update"];

/** What became of the channel's outgoing messages. Statuses only rise, whatever order the news comes in. */
export interface Delivery {
  /** News from WhatsApp; of a message that is not known it is dropped. Resolves when it is in the log, or was before. */
  update(told: Told): Promise<void>;
  /** News about one of our own commands, which may not have come as far as being a message. */
  tell(told: Told): Promise<void>;
  /** A message is about to be put on the wire; nothing is known of it yet. */
  begin(messageId: string): void;
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
  const inTurn = createTurnsByKey();

  const raise = async (told: Told, known: number) => {
    const { messageId, status } = told;
    const rank = messageStatusRank[status];
    if (rank > known) {
      ranks.set(messageId, rank);
      await log.publish("message_status_update", told, `${channelId}/${messageId}/${status}`);
      await record.raise(messageId, status);
    }
    if (mayBeUnknown(status, known)) await queue.settleUnknown(messageId, { status: "sent" });
  };
  const storedRank = async (messageId: string) => ranks.get(messageId) ?? (await record.rank(messageId));

  return {
    update: (told) =>
      inTurn(told.messageId, async () => {
        const stored = await storedRank(told.messageId);
        if (stored !== null) await raise(told, stored);
      }),
    tell: (told) =>
      inTurn(told.messageId, async () => {
        await raise(told, (await storedRank(told.messageId)) ?? messageStatusRank.queued);
      }),
    begin(messageId) {
      if (!ranks.has(messageId)) ranks.set(messageId, messageStatusRank.queued);
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
