import { randomUUID } from "node:crypto";
import type { Collections } from "#shared/database.ts";
import { ServiceError } from "#shared/errors.ts";

const perHourMax = 5;

type PairingRequests = Pick<Collections, "pairingRequests">;

/** Throws `pairing_rate_limited` after five codes for a number within an hour: WhatsApp's own limit persists. */
export async function assertPairingAllowed(
  { pairingRequests }: PairingRequests,
  phoneNumber: string,
): Promise<void> {
  const anHourAgo = { $dateSubtract: { startDate: "$$NOW", unit: "hour", amount: 1 } };
  const recent = await pairingRequests
    .aggregate<{ againInMs: number }>([
      { $match: { phoneNumber, $expr: { $gt: ["$at", anHourAgo] } } },
      { $sort: { at: -1 } },
      { $limit: perHourMax },
      {
        $project: {
          againInMs: { $subtract: [{ $dateAdd: { startDate: "$at", unit: "hour", amount: 1 } }, "$$NOW"] },
        },
      },
    ])
    .toArray();
  const oldest = recent[perHourMax - 1];
  if (!oldest) return;
  const retryAfterSeconds = Math.max(1, Math.ceil(oldest.againInMs / 1_000));
  throw new ServiceError("pairing_rate_limited", undefined, { details: { retryAfterSeconds } });
}

/** Counts a code that is about to be requested. Throws as `assertPairingAllowed`. */
export async function countPairingRequest(db: PairingRequests, phoneNumber: string): Promise<void> {
  await assertPairingAllowed(db, phoneNumber);
  const request = [{ $set: { phoneNumber, at: "$$NOW" } }];
  await db.pairingRequests.updateOne({ _id: randomUUID() }, request, { upsert: true });
}
