import { type Collection, MongoBulkWriteError, type WriteError } from "mongodb";
import { bulkRefusals } from "#shared/bulk-refusals.ts";
import type { ChannelDocument } from "#shared/collections.ts";
import { durable } from "#shared/database.ts";
import { readDocument } from "#shared/document-reads.ts";
import { oncePer } from "#shared/once-per.ts";
import { createSharedCall } from "#shared/shared-call.ts";

interface Acquisition {
  channelId: string;
  connectorId: string;
  /** The owner that was found: with another one, the race is lost. */
  former: ChannelDocument["owner"];
}

/** Makes connectors the owners of channels under a new epoch; null where another one won the race. */
export const acquisitions = oncePer(sharedAcquisitions);

/**
 * As `acquisitions`, for channels at which nobody looked before. Apart from them, because one that is ours already makes it
 * uncertain which of its call were carried out.
 */
export const guessedAcquisitions = oncePer(sharedAcquisitions);

function sharedAcquisitions(channels: Collection<ChannelDocument>) {
  return createSharedCall<Acquisition, ChannelDocument | null>({
    async call(items) {
      const [only] = items;
      if (only && items.length === 1) {
        const { filter, update } = operationOf(only);
        return [await channels.findOneAndUpdate(filter, update, { returnDocument: "after", ...durable })];
      }
      return await together(channels, items);
    },
  });
}

async function together(
  channels: Collection<ChannelDocument>,
  items: readonly Acquisition[],
): Promise<(ChannelDocument | Error | null)[]> {
  const { matchedCount, refused } = await update(channels, items);
  const found = await Promise.all(items.map(({ channelId }) => readDocument(channels, channelId)));
  const seen = new Set<string>();
  const ours = items.map(({ channelId, connectorId, former }, index) => {
    const channel = found[index] ?? null;
    const { connector, epoch } = channel?.owner ?? {};
    const isOurs = connector === connectorId && epoch === former.epoch + 1 && !refused.has(index);
    // Of two acquisitions of one channel, only the first can have been carried out.
    const isFirst = !seen.has(channelId);
    seen.add(channelId);
    return isOurs && isFirst ? channel : null;
  });
  // One that seems carried out belongs to an earlier acquisition: nobody knows which, so the next sweep takes them again.
  const isCertain = ours.filter((channel) => channel !== null).length <= matchedCount;
  return items.map((_, index) => {
    const cause = refused.get(index);
    if (cause) return new Error("A channel was not acquired", { cause });
    return isCertain ? (ours[index] ?? null) : null;
  });
}

async function update(
  channels: Collection<ChannelDocument>,
  items: readonly Acquisition[],
): Promise<{ matchedCount: number; refused: Map<number, WriteError> }> {
  const operations = items.map((item) => ({ updateOne: operationOf(item) }));
  try {
    const { matchedCount } = await channels.bulkWrite(operations, { ordered: false, ...durable });
    return { matchedCount, refused: new Map() };
  } catch (error) {
    const refused = bulkRefusals(error);
    return { matchedCount: error instanceof MongoBulkWriteError ? error.matchedCount : 0, refused };
  }
}

function operationOf({ channelId, connectorId, former }: Acquisition) {
  return {
    filter: { _id: channelId, "owner.connector": former.connector, "owner.epoch": former.epoch },
    update: {
      $set: { "owner.connector": connectorId },
      $inc: { "owner.epoch": 1 },
      // The channel may be open to it by now; it adds itself again if not.
      $pull: { "owner.unopenedBy": connectorId },
    },
  };
}
