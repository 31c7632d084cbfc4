import type { Collection } from "mongodb";
import type { ConnectorDocument } from "#shared/collections.ts";
import { durable } from "#shared/database.ts";

/** The row behind a lease and every change to it. All times are the database's. `dead` is final. */

export interface NewLease {
  id: string;
  name: string;
  capacity: number;
  /** Names its encryption keys, newest first. */
  masterKeyIds: readonly string[];
  leaseMs: number;
}

/**
 * Inserts the row, then declares every predecessor of the same name dead. In this order the name never disappears, so
 * other connectors do not share out its channels. The successor's fences keep this safe if the predecessor still runs.
 */
export async function insertLease(
  connectors: Collection<ConnectorDocument>,
  { id, name, capacity, masterKeyIds, leaseMs }: NewLease,
): Promise<void> {
  const times = { startedAt: "$$NOW", aliveUntil: until(leaseMs) };
  const row = { name, state: "alive", capacity, masterKeyIds: { $literal: masterKeyIds }, ...times };
  const namesakes = { name, _id: { $ne: id }, state: { $ne: "dead" as const } };
  await connectors.bulkWrite(
    [
      { updateOne: { filter: { _id: id }, update: [{ $set: row }], upsert: true } },
      { updateMany: { filter: namesakes, update: { $set: { state: "dead" } } } },
    ],
    { ordered: true, ...durable },
  );
}

/** The ids of other leases under this name whose rows are still there. */
export async function predecessorsOf(
  connectors: Collection<ConnectorDocument>,
  id: string,
  name: string,
): Promise<ReadonlySet<string>> {
  return new Set(await connectors.distinct("_id", { name, _id: { $ne: id } }));
}

/** Resolves to the database's time, or to null if the row is dead. */
export async function renewLease(
  connectors: Collection<ConnectorDocument>,
  id: string,
  leaseMs: number,
): Promise<Date | null> {
  const renewed = await connectors.findOneAndUpdate(
    { _id: id, state: { $ne: "dead" } },
    [{ $set: { aliveUntil: until(leaseMs) } }],
    { returnDocument: "after", projection: { aliveUntil: 1 }, ...durable },
  );
  return renewed && new Date(renewed.aliveUntil.getTime() - leaseMs);
}

/** From then on no connector prefers this one for a channel. */
export async function drainLease(connectors: Collection<ConnectorDocument>, id: string): Promise<void> {
  await connectors.updateOne({ _id: id, state: "alive" }, { $set: { state: "draining" } }, durable);
}

export async function endLease(connectors: Collection<ConnectorDocument>, id: string): Promise<void> {
  await connectors.updateOne({ _id: id }, { $set: { state: "dead" } }, durable);
}

function until(leaseMs: number) {
  return { $dateAdd: { startDate: "$$NOW", unit: "millisecond", amount: leaseMs } };
}
