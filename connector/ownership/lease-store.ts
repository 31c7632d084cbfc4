import type { Collection } from "mongodb";
import type { ConnectorDocument } from "#shared/collections.ts";
import { durable } from "#shared/database.ts";

/** The row behind a lease, and who may change it how. All time is the database's. `dead` is never left. */

export interface NewLease {
  id: string;
  name: string;
  capacity: number;
  leaseMs: number;
}

/**
 * Adds the row, and then declares every predecessor of the same name dead: in this order, so that others never see the
 * name gone and share its channels out. The successor's fences make it safe if the predecessor lives.
 */
export async function insertLease(
  connectors: Collection<ConnectorDocument>,
  { id, name, capacity, leaseMs }: NewLease,
): Promise<void> {
  const row = { name, state: "alive", capacity, startedAt: "$$NOW", aliveUntil: until(leaseMs) };
  const namesakes = { name, _id: { $ne: id }, state: { $ne: "dead" as const } };
  await connectors.bulkWrite(
    [
      { updateOne: { filter: { _id: id }, update: [{ $set: row }], upsert: true } },
      { updateMany: { filter: namesakes, update: { $set: { state: "dead" } } } },
    ],
    { ordered: true, ...durable },
  );
}

/** Resolves to false when the row is dead. */
export async function renewLease(
  connectors: Collection<ConnectorDocument>,
  id: string,
  leaseMs: number,
): Promise<boolean> {
  const { matchedCount } = await connectors.updateOne(
    { _id: id, state: { $ne: "dead" } },
    [{ $set: { aliveUntil: until(leaseMs) } }],
    durable,
  );
  return matchedCount > 0;
}

/** From here on nobody prefers this connector. */
export async function drainLease(connectors: Collection<ConnectorDocument>, id: string): Promise<void> {
  await connectors.updateOne({ _id: id, state: "alive" }, { $set: { state: "draining" } }, durable);
}

export async function endLease(connectors: Collection<ConnectorDocument>, id: string): Promise<void> {
  await connectors.updateOne({ _id: id }, { $set: { state: "dead" } }, durable);
}

/** Declares dead whoever has not renewed in time. Returns how many. */
export async function declareDead(connectors: Collection<ConnectorDocument>): Promise<number> {
  const overdue = { state: { $ne: "dead" as const }, $expr: { $lt: ["$aliveUntil", "$$NOW"] } };
  const { modifiedCount } = await connectors.updateMany(overdue, { $set: { state: "dead" } }, durable);
  return modifiedCount;
}

function until(leaseMs: number) {
  return { $dateAdd: { startDate: "$$NOW", unit: "millisecond", amount: leaseMs } };
}
