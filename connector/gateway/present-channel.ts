import type { Collections } from "#shared/database.ts";
import type { PresentChannel } from "./snapshot.ts";

/** A pairing is judged by the database's clock: it was dated by another machine. */
const projection = {
  _id: 0,
  channelId: 1,
  status: 1,
  reason: 1,
  retryAt: 1,
  lastDisconnect: 1,
  lastStatusUpdate: 1,
  "config.qrCode": 1,
  pairing: { $cond: [{ $gt: ["$pairing.expiresAt", "$$NOW"] }, "$pairing", null] },
};

/** A channel as it is now; null when there is none, or it is being deleted. */
export function presentChannel(
  { channels }: Pick<Collections, "channels">,
  channelId: string,
): Promise<PresentChannel | null> {
  return channels.findOne<PresentChannel>({ _id: channelId, deletedAt: null }, { projection });
}
