import type { AnyBulkWriteOperation } from "mongodb";
import type { MessageDocument } from "#shared/collections.ts";
import type { Collections } from "#shared/database.ts";
import { proto } from "../baileys/baileys.ts";
import { kindsName } from "./from-whatsapp/kinds.ts";
import { createMessageSeal, type MessageSeal } from "./message-seal.ts";
import { contentIn } from "./sent-message.ts";

const rowsPerPage = 200;

/**
 * Reads again what a version with other kinds could not tell: the rows of type `unsupported`, from the messages as they came.
 * Returns how many can be told now. Every connector that starts runs it; a repetition changes nothing. Stops between two pages when
 * the signal aborts. Rejects with the database's error.
 */
export async function rereadUnsupported(
  { messages, channels }: Pick<Collections, "messages" | "channels">,
  masterKeys: readonly Buffer[],
  signal: AbortSignal,
): Promise<number> {
  let told = 0;
  for (;;) {
    const unread = { type: "unsupported", readBy: { $ne: kindsName } };
    const rows = await messages.find(unread).limit(rowsPerPage).toArray();
    if (rows.length === 0 || signal.aborted) return told;
    const owners = await channels.find({ _id: { $in: rows.map(({ channelId }) => channelId) } }).toArray();
    const seals = new Map(owners.map((channel) => [channel._id, sealOf(channel, masterKeys)]));
    const read = rows.map((row) => ({ row, fields: fieldsOf(row, seals.get(row.channelId)) }));
    const operations = read.map(
      ({ row, fields }): AnyBulkWriteOperation<MessageDocument> => ({
        updateOne: {
          filter: { _id: row._id, channelId: row.channelId, type: "unsupported" },
          update: { $set: { readBy: kindsName, ...fields } },
        },
      }),
    );
    await messages.bulkWrite(operations, { ordered: false });
    told += read.filter(({ fields }) => fields !== null).length;
  }
}

function sealOf(channel: Parameters<typeof createMessageSeal>[0]["channel"], masterKeys: readonly Buffer[]) {
  return createMessageSeal({
    channel,
    masterKeys,
    save: () => Promise.reject(new Error("Nothing is sealed here")),
  });
}

/** Null for what cannot be told, or opened, now either. */
function fieldsOf(
  { _id, chat, proto: stored }: MessageDocument,
  seal: Pick<MessageSeal, "open"> | undefined,
): Partial<MessageDocument> | null {
  if (!stored || !seal) return null;
  try {
    const { text, content, context } = contentIn(proto.Message.decode(seal.open(_id, stored)), chat);
    if (content.type === "unsupported") return null;
    return { type: content.type, text, content, ...(Object.keys(context).length > 0 && { context }) };
  } catch {
    return null;
  }
}
