/** Creates channels and shows them to callers. */

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
 * Creates a channel and returns it as it was created; a request repeated under its key gets the same even when the
 * channel has changed or is gone. Throws `insufficient_scope` for an API key that is limited to some channels.
 */
export async function createChannel(
  store: Pick<Store, "createChannel" | "finishRequest">,
  { caller, once }: OnceEnv["Variables"],
  fields: z.output<typeof createChannelSchema>,
): Promise<ChannelDocument> {
  const { ids, doneAt } = await once.decide(() => {
    if (caller.channels)
      throw new ServiceError("insufficient_scope", "The API key is limited to existing channels");
    return { channelId: newChannelId() };
  });
  const { name, phoneNumber = null, metadata = {} } = fields;
  const channel: NewChannel = { ...ids, name, phoneNumber, metadata };
  if (doneAt) return asCreated(doneAt);
  // A surplus inactive channel does no harm.
  const { createdAt } = await confirmWrite(store.createChannel(channel), { ids, retryable: true });
  await once.finish(createdAt);
  return asCreated(createdAt);

  function asCreated(at: Date): ChannelDocument {
    return { ...newChannel(channel), createdAt: at, lastStatusUpdate: at };
  }
}
