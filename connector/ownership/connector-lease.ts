import { randomUUID } from "node:crypto";
import type { Collection } from "mongodb";
import type { ConnectorDocument } from "#shared/collections.ts";
import { errorTrace } from "#shared/error-trace.ts";
import type { Logger } from "#shared/log.ts";
import type { Timings } from "../timings.ts";
import { drainLease, endLease, insertLease, predecessorsOf, renewLease } from "./connector-lease-store.ts";
import { createDatabaseClock } from "./database-clock.ts";

/** The right of this process to run channels: a row that must be renewed. A dead row stays dead. */
export interface ConnectorLease {
  /** Unique to this lease; stored in `channels.owner.connector`. */
  id: string;
  /** Earlier leases under the same name, whose channels this connector had before it started. */
  predecessors: ReadonlySet<string>;
  /** False once another connector may take over, by our own monotonic clock. Checked before every relay. */
  isValid(): boolean;
  /** Whether the last renewals were confirmed in time: the database answers. */
  isFresh(): boolean;
  /** The database's time, ms since the epoch. */
  now(): number;
  /** Aborts when the lease has ended: lapsed, declared dead, or released. */
  ended: AbortSignal;
  /** Renews at once, which also detects that the lease was declared dead. Never rejects. */
  renew(): Promise<void>;
  /** Marks this connector as draining: it takes no new channels. */
  drain(): Promise<void>;
  /** Ends the lease; the last thing a connector does. */
  release(): Promise<void>;
}

export interface LeaseOptions {
  connectors: Collection<ConnectorDocument>;
  /** `CONNECTOR_ID`. A predecessor of the same name is declared dead at once. */
  name: string;
  capacity: number;
  /** Names its encryption keys, newest first. */
  masterKeyIds: readonly string[];
  timings: LeaseTimings;
  log: Logger;
}

export type LeaseTimings = Pick<Timings, "leaseMs" | "renewMs" | "leaseMarginMs">;

const watchMs = 250;
/** How much later than it is sent a renewal may be confirmed. */
const lateMs = 1_000;

/** Takes a lease. Throws when the database cannot be reached. */
export async function takeLease({
  connectors,
  name,
  capacity,
  masterKeyIds,
  timings,
  log,
}: LeaseOptions): Promise<ConnectorLease> {
  const id = randomUUID();
  const ended = new AbortController();
  const clock = createDatabaseClock();
  let confirmed = performance.now();
  let deadline = deadlineOf(confirmed, timings);
  await insertLease(connectors, { id, name, capacity, masterKeyIds, leaseMs: timings.leaseMs });
  const predecessors = await predecessorsOf(connectors, id, name);
  const isLapsed = () => performance.now() >= deadline;

  const end = (why: string) => {
    if (ended.signal.aborted) return;
    clearInterval(renewing);
    clearInterval(watching);
    log[why === "released" ? "info" : "warn"]({ event: "lease", connector: id, why }, "lease ended");
    ended.abort(new Error(why));
  };
  // A renewal that hangs does not delay the next one: a connection can die silently.
  const renew = async () => {
    const sentAt = performance.now();
    try {
      const databaseNow = await renewLease(connectors, id, timings.leaseMs);
      if (databaseNow) clock.adjust(databaseNow, sentAt);
      if (!databaseNow) end("declared dead");
      else if (isLapsed()) end("lapsed");
      else {
        deadline = Math.max(deadline, deadlineOf(sentAt, timings));
        confirmed = Math.max(confirmed, sentAt);
      }
    } catch (error) {
      log.warn({ event: "lease_renewal_failed", connector: id, ...errorTrace(error) }, "lease not renewed");
    }
  };
  const renewing = setInterval(() => void renew(), timings.renewMs);
  const watching = setInterval(() => {
    if (isLapsed()) end("lapsed");
  }, watchMs);

  // Sets the clock before anything is dated.
  await renew();
  return {
    id,
    predecessors,
    now: clock.now,
    isValid: () => !ended.signal.aborted && !isLapsed(),
    isFresh: () => performance.now() < confirmed + timings.renewMs + lateMs,
    ended: ended.signal,
    renew,
    drain: () => drainLease(connectors, id),
    async release() {
      end("released");
      await endLease(connectors, id);
    },
  };
}

/**
 * The time, on the owner's monotonic clock, until which a renewal sent at `sentAt` lets it act. The row lives for
 * `leaseMs` from when the database received the renewal, which is no earlier than when it was sent.
 */
export function deadlineOf(
  sentAt: number,
  { leaseMs, leaseMarginMs }: Pick<LeaseTimings, "leaseMs" | "leaseMarginMs">,
): number {
  return sentAt + leaseMs - leaseMarginMs;
}
