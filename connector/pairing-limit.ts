import { randomUUID } from "node:crypto";
import type { Collections } from "../shared/database.ts";
import { ServiceError } from "../shared/errors.ts";

const perHourMax = 5;

/** Counts a pairing code for a number. Throws `pairing_rate_limited` at the sixth within an hour, before WhatsApp does. */
export async function countPairingRequest(
  { pairingRequests }: Pick<Collections, "pairingRequests">,
  phoneNumber: string,
): Promise<void> {
  const anHourAgo = { $dateSubtract: { startDate: "$$NOW", unit: "hour", amount: 1 } };
  const asked = await pairingRequests.countDocuments({ phoneNumber, $expr: { $gt: ["$at", anHourAgo] } });
  if (asked >= perHourMax) throw new ServiceError("pairing_rate_limited");
  await pairingRequests.updateOne({ _id: randomUUID() }, [{ $set: { phoneNumber, at: "$$NOW" } }], {
    upsert: true,
  });
}
