import { createThrottle } from "./concurrency/token-bucket.ts";
import type { ConnectorLease } from "./ownership/connector-lease.ts";
import type { Timings } from "./timings.ts";

/** Hands out the turns in which a connector's channels connect, so that a start is no stampede on WhatsApp. */
export interface ConnectTurns {
  /**
   * Makes the function by which one session waits for each of its connections. `formerOwner` is the lease that owned the
   * channel before. Where it was ours, the first connection waits for no others' turn: WhatsApp had all of them connected a
   * moment ago, from here.
   */
  of(formerOwner: string | null): () => Promise<void>;
}

export type ConnectRates = Pick<
  Timings,
  "connectsPerSecond" | "connectBurst" | "ownConnectsPerSecond" | "ownConnectBurst"
>;

/** Turns come at once when `signal` has aborted. */
export function createConnectTurns(
  rates: ConnectRates,
  { id, predecessors }: Pick<ConnectorLease, "id" | "predecessors">,
  signal: AbortSignal,
): ConnectTurns {
  const turn = createThrottle(rates.connectsPerSecond, rates.connectBurst, signal);
  const ownTurn = createThrottle(rates.ownConnectsPerSecond, rates.ownConnectBurst, signal);
  return {
    of(formerOwner) {
      const wasOurs = formerOwner !== null && (formerOwner === id || predecessors.has(formerOwner));
      let next = wasOurs ? ownTurn : turn;
      return () => {
        const current = next;
        next = turn;
        return current();
      };
    },
  };
}
