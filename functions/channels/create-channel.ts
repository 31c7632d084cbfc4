import type { z } from "@hono/zod-openapi";
import type { createChannelSchema } from "#shared/channel.ts";
import type { ChannelDocument } from "#shared/collections.ts";
import { ServiceError } from "#shared/errors.ts";
import { newChannelId } from "#shared/ids.ts";
import type { OnceEnv } from "../middleware/idempotent.ts";
import { newChannel } from "../store/new-channel.ts";
import type { NewChannel, Store } from "../store/store.ts";
import { confirmWrite } from "../store/unconfirmed-write.ts";

/**
 * Makes a channel, and returns it as it was made, also to who asks again under a key when it has changed or is gone.
 * Throws `insufficient_scope` for a key that is limited to some channels.
 */
export async function createChannel(
  store: Pick<Store, "createChannel" | "finishRequest">,
  { caller, once }: OnceEnv["Variables"],
  wanted: z.output<typeof createChannelSchema>,
): Promise<ChannelDocument> {
  const { ids, doneAt } = await once.decide(() => {
    if (caller.channels)
      throw new ServiceError("insufficient_scope", "The API key is limited to channels that exist");
    return { channelId: newChannelId() };
  });
  const { name, phoneNumber = null, metadata = {} } = wanted;
  const channel: NewChannel = { ...ids, name, phoneNumber, metadata };
  if (doneAt) return asMade(doneAt);
  // One inactive channel too many does no harm.
  const { createdAt } = await confirmWrite(store.createChannel(channel), { ids, retryable: true });
  await once.finish(createdAt);
  return asMade(createdAt);

  function asMade(at: Date): ChannelDocument {
    return { ...newChannel(channel), createdAt: at, lastStatusUpdate: at };
  }
}
