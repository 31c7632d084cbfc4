import { randomUUID } from "node:crypto";
import type { Collections } from "../shared/database.ts";
import { ServiceError } from "../shared/errors.ts";

const perHourMax = 5;

type PairingRequests = Pick<Collections, "pairingRequests">;

/** Throws `pairing_rate_limited` when five codes were made for a number within an hour: WhatsApp's own limit sticks. */
export async function assertPairingAllowed(
  { pairingRequests }: PairingRequests,
  phoneNumber: string,
): Promise<void> {
  const anHourAgo = { $dateSubtract: { startDate: "$$NOW", unit: "hour", amount: 1 } };
  const asked = await pairingRequests.countDocuments({ phoneNumber, $expr: { $gt: ["$at", anHourAgo] } });
  if (asked >= perHourMax) throw new ServiceError("pairing_rate_limited");
}

/** Counts a code that is about to be asked for; throws as `assertPairingAllowed`. */
export async function countPairingRequest(db: PairingRequests, phoneNumber: string): Promise<void> {
  await assertPairingAllowed(db, phoneNumber);
  const request = [{ $set: { phoneNumber, at: "$$NOW" } }];
  await db.pairingRequests.updateOne({ _id: randomUUID() }, request, { upsert: true });
}
