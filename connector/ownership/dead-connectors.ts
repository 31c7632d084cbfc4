import type { Collection } from "mongodb";
import type { ConnectorDocument } from "#shared/collections.ts";
import { durable } from "#shared/database.ts";

/** Declares every connector dead that has not renewed in time. Resolves to their number. */
export async function declareDead(connectors: Collection<ConnectorDocument>): Promise<number> {
  const overdue = { state: { $ne: "dead" as const }, $expr: { $lt: ["$aliveUntil", "$$NOW"] } };
  // A read costs less than a write that matches nothing and still waits for a majority.
  if (!(await connectors.findOne(overdue, { projection: { _id: 1 } }))) return 0;
  const { modifiedCount } = await connectors.updateMany(overdue, { $set: { state: "dead" } }, durable);
  return modifiedCount;
}
