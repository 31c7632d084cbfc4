import { randomUUID } from "node:crypto";
import type { Collection } from "mongodb";
import type { ConnectorDocument } from "../shared/collections.ts";
import type { Logger } from "../shared/log.ts";
import { errorTrace } from "./error-trace.ts";
import type { Timings } from "./timings.ts";

/** The right of this process to run channels: a row that must be renewed. A row that is dead stays dead. */
export interface Lease {
  /** New for every lease; `channels.owner.connector`. */
  id: string;
  /** False from the moment somebody else may take over, seen from our own monotonic clock. Checked before every relay. */
  isValid(): boolean;
  /** Aborts when the lease has ended: lapsed, declared dead, or released. */
  ended: AbortSignal;
  /** Says that no new channel is wanted here. */
  drain(): Promise<void>;
  /** Gives the lease up; the last thing a connector does. */
  release(): Promise<void>;
}

export interface LeaseOptions {
  connectors: Collection<ConnectorDocument>;
  /** `CONNECTOR_ID`. A predecessor of the same name is declared dead at once. */
  name: string;
  capacity: number;
  timings: Pick<Timings, "leaseMs" | "renewMs" | "leaseMarginMs">;
  log: Logger;
}

const majority = { writeConcern: { w: "majority" } } as const;

/** Takes a lease. Throws when the database cannot be reached. */
export async function takeLease({ connectors, name, capacity, timings, log }: LeaseOptions): Promise<Lease> {
  const id = randomUUID();
  const ended = new AbortController();
  await connectors.updateMany({ name, state: { $ne: "dead" } }, { $set: { state: "dead" } }, majority);
  let deadline = performance.now() + timings.leaseMs - timings.leaseMarginMs;
  await connectors.updateOne(
    { _id: id },
    [{ $set: { name, state: "alive", capacity, startedAt: "$$NOW", aliveUntil: until(timings.leaseMs) } }],
    { upsert: true, ...majority },
  );
  const isValid = () => !ended.signal.aborted && performance.now() < deadline;

  const end = (why: string) => {
    if (ended.signal.aborted) return;
    clearInterval(renewing);
    clearInterval(watching);
    log[why === "released" ? "info" : "warn"]({ event: "lease", connector: id, why }, "lease ended");
    ended.abort(new Error(why));
  };
  // One that hangs does not stop the next: a connection can die without a word.
  const renew = async () => {
    const sentAt = performance.now();
    try {
      const alive = { _id: id, state: { $ne: "dead" as const } };
      const { matchedCount } = await connectors.updateOne(
        alive,
        [{ $set: { aliveUntil: until(timings.leaseMs) } }],
        majority,
      );
      if (matchedCount === 0) end("declared dead");
      else if (performance.now() >= deadline) end("lapsed");
      else deadline = Math.max(deadline, sentAt + timings.leaseMs - timings.leaseMarginMs);
    } catch (error) {
      log.warn({ connector: id, ...errorTrace(error) }, "lease not renewed");
    }
  };
  const renewing = setInterval(() => void renew(), timings.renewMs);
  const watching = setInterval(() => {
    if (performance.now() >= deadline) end("lapsed");
  }, 250);

  return {
    id,
    isValid,
    ended: ended.signal,
    async drain() {
      await connectors.updateOne({ _id: id, state: "alive" }, { $set: { state: "draining" } }, majority);
    },
    async release() {
      end("released");
      await connectors.updateOne({ _id: id }, { $set: { state: "dead" } }, majority);
    },
  };
}

/** Declares dead whoever has not renewed in time. Returns how many. */
export async function declareDead(connectors: Collection<ConnectorDocument>): Promise<number> {
  const overdue = { state: { $ne: "dead" as const }, $expr: { $lt: ["$aliveUntil", "$$NOW"] } };
  const { modifiedCount } = await connectors.updateMany(overdue, { $set: { state: "dead" } }, majority);
  return modifiedCount;
}

function until(leaseMs: number) {
  return { $dateAdd: { startDate: "$$NOW", unit: "millisecond", amount: leaseMs } };
}
