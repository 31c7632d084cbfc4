import type { AnyBulkWriteOperation, Binary } from "mongodb";
import type { MessageDocument } from "#shared/collections.ts";
import type { Collections } from "#shared/database.ts";
import type { MessageEventData } from "#shared/message-events.ts";
import { proto } from "../baileys/baileys.ts";
import { deduplicationId } from "./deduplication-id.ts";
import { contentIn } from "./sent-message.ts";

const rowsPerPage = 500;

/**
 * Gives the rows of a former version their new shape: what was said from the log, as far as that still has it, and of our own
 * sends from what is kept for retry receipts. Returns how many. Every connector that starts runs it; a repetition changes nothing.
 * Stops between two pages when the signal aborts. Rejects with the database's error.
 */
export async function renewFormerMessages(
  { messages, events }: Pick<Collections, "messages" | "events">,
  signal: AbortSignal,
): Promise<number> {
  let renewed = 0;
  for (;;) {
    const rows = await messages
      .find({ timestamp: { $exists: true } })
      .limit(rowsPerPage)
      .toArray();
    if (rows.length === 0 || signal.aborted) return renewed;
    const ids = new Map(rows.map((row) => [row._id, eventIdOf(row)]));
    const found = await events.find({ _id: { $in: [...ids.values()] } }).toArray();
    const logged = new Map(found.map(({ _id, data }) => [_id, data as unknown as Logged]));
    const operations = rows.map(
      (row): AnyBulkWriteOperation<MessageDocument> => ({
        updateOne: {
          filter: { _id: row._id, channelId: row.channelId, timestamp: { $exists: true } },
          update: { $set: renewedFields(row, logged.get(ids.get(row._id) ?? "")), $unset: { timestamp: 1 } },
        },
      }),
    );
    const { matchedCount } = await messages.bulkWrite(operations, { ordered: false });
    renewed += matchedCount;
  }
}

type Logged = Partial<MessageEventData["incoming_message"]>;

function eventIdOf({ channelId, chat, sender, messageId }: MessageDocument): string {
  return deduplicationId(channelId, { chat, sender: sender ?? "", messageId });
}

function renewedFields(row: MessageDocument, logged: Logged | undefined): Partial<MessageDocument> {
  const recordedAt = row.timestamp ?? new Date();
  const sentAt = logged?.sentAt ? new Date(logged.sentAt) : recordedAt;
  const said = logged?.content
    ? { text: logged.message ?? "", content: logged.content }
    : row.proto && contentOf(row.proto, row.chat);
  const { origin } = row;
  return {
    ...(said && { text: said.text, content: said.content }),
    origin: origin ?? (row.direction === "in" ? "contact" : row.proto ? "api" : "phone"),
    sentAt,
    recordedAt,
  };
}

function contentOf({ buffer }: Binary, chat: string) {
  try {
    return contentIn(proto.Message.decode(buffer), chat);
  } catch {
    // Not ours, or damaged: the row stays readable without it.
    return undefined;
  }
}
