import { channelType } from "#shared/channel.ts";
import type { ChannelDocument } from "#shared/collections.ts";
import type { NewChannel } from "./store.ts";

/** Returns the document of a new channel, without its times. */
export function newChannel({ channelId, name, metadata, phoneNumber }: NewChannel) {
  return {
    _id: channelId,
    channelId,
    type: channelType,
    name,
    metadata,
    config: { phoneNumber, qrCode: null, pairingCode: null },
    givenNumber: phoneNumber,
    pairing: null,
    status: "inactive",
    reason: null,
    retryAt: null,
    lastDisconnect: null,
    wanted: "disconnected",
    owner: { connector: null, epoch: 0 },
    lid: null,
    deletedAt: null,
  } satisfies Omit<ChannelDocument, "createdAt" | "lastStatusUpdate">;
}
