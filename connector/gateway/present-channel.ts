import type { Collections } from "#shared/database.ts";
import type { PresentChannel } from "./snapshot.ts";

/** The database's clock decides whether a pairing has expired, because the channel's owner dated it by that. */
const projection = {
  _id: 0,
  now: "$$NOW",
  channelId: 1,
  status: 1,
  reason: 1,
  retryAt: 1,
  lastDisconnect: 1,
  lastStatusUpdate: 1,
  "config.qrCode": 1,
  pairing: { $cond: [{ $gt: ["$pairing.expiresAt", "$$NOW"] }, "$pairing", null] },
};

/** Reads the current state of a channel; null if it does not exist or is being deleted. */
export function presentChannel(
  { channels }: Pick<Collections, "channels">,
  channelId: string,
): Promise<PresentChannel | null> {
  return channels.findOne<PresentChannel>({ _id: channelId, deletedAt: null }, { projection });
}
