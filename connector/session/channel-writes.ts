import type { Collection } from "mongodb";
import { bulkRefusals } from "#shared/bulk-refusals.ts";
import type { ChannelDocument } from "#shared/collections.ts";
import { durable } from "#shared/database.ts";
import { oncePer } from "#shared/once-per.ts";
import { createSharedCall } from "#shared/shared-call.ts";
import { type Fence, FencedError } from "../ownership/fence.ts";

interface ChannelWrite {
  /** Checked right before the write, because an earlier one may have taken long. */
  fence: Fence;
  fields: Record<string, unknown>;
}

/**
 * Sets fields in the documents of the channels of a process. What is written at the same moment is one command, each part with the
 * epoch in its filter. Throws `FencedError` for an owner that is deposed or past its deadline, and for no other.
 */
export const channelWrites = oncePer((channels: Collection<ChannelDocument>) =>
  createSharedCall<ChannelWrite, void>({
    async call(writes) {
      const held = writes.filter(({ fence }) => fence.isHeld?.() !== false);
      const refused = await update(channels, held);
      return writes.map((write) =>
        held.includes(write) ? refused.get(write) : new FencedError(write.fence),
      );
    },
  }),
);

/** Resolves to the error of each write that was refused. */
async function update(
  channels: Collection<ChannelDocument>,
  writes: readonly ChannelWrite[],
): Promise<Map<ChannelWrite, Error>> {
  const errors = new Map<ChannelWrite, Error>();
  if (writes.length === 0) return errors;
  const operations = writes.map(({ fence: { channelId, epoch }, fields }) => ({
    updateOne: { filter: { _id: channelId, "owner.epoch": epoch }, update: { $set: fields } },
  }));
  try {
    const { matchedCount } = await channels.bulkWrite(operations, { ordered: false, ...durable });
    if (matchedCount === writes.length) return errors;
  } catch (error) {
    for (const [index, cause] of bulkRefusals(error)) {
      const write = writes[index];
      if (write) errors.set(write, new Error("A channel was not written", { cause }));
    }
  }
  const owned = await epochs(channels, writes);
  for (const write of writes) {
    const { channelId, epoch } = write.fence;
    // A channel keeps an epoch until the next, so the write met it, too.
    if (!errors.has(write) && owned.get(channelId) !== epoch) errors.set(write, new FencedError(write.fence));
  }
  return errors;
}

async function epochs(
  channels: Collection<ChannelDocument>,
  writes: readonly ChannelWrite[],
): Promise<Map<string, number>> {
  const ids = writes.map(({ fence }) => fence.channelId);
  const found = await channels
    .find({ _id: { $in: ids } }, { projection: { "owner.epoch": 1 }, readPreference: "primary" })
    .toArray();
  return new Map(found.map(({ _id, owner }) => [_id, owner.epoch]));
}
