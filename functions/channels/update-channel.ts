import type { ChannelDocument } from "#shared/collections.ts";
import { ServiceError } from "#shared/errors.ts";
import type { ChannelEnv } from "../middleware/find-channel.ts";
import type { OnceEnv } from "../middleware/idempotent.ts";
import type { ChannelChanges, Store } from "../store/store.ts";

/**
 * Changes a channel and returns it. A request repeated under its key does not undo later changes, and gets the channel
 * with its own.
 */
export async function updateChannel(
  store: Pick<Store, "updateChannel" | "finishRequest">,
  { found, once }: ChannelEnv["Variables"] & OnceEnv["Variables"],
  changes: ChannelChanges,
): Promise<ChannelDocument> {
  const { channelId } = found.channel;
  const { doneAt } = await once.decide(() => ({ channelId }));
  if (doneAt) return { ...found.channel, ...changes };
  const channel = await store.updateChannel(channelId, changes);
  if (!channel) throw new ServiceError("channel_not_found");
  await once.finish(found.now);
  return channel;
}
