import { createThrottle } from "./concurrency/token-bucket.ts";
import type { Timings } from "./timings.ts";

/** Hands out the turns in which a connector's channels connect, so that a start is no stampede on WhatsApp. */
export interface ConnectTurns {
  /**
   * Makes the function by which one session waits for each of its connections. The first connection of a channel that was
   * ours before waits for no others' turn: WhatsApp had all of them connected a moment ago, from here.
   */
  of(wasOurs: boolean): () => Promise<void>;
}

export type ConnectRates = Pick<
  Timings,
  "connectsPerSecond" | "connectBurst" | "ownConnectsPerSecond" | "ownConnectBurst"
>;

/** Turns come at once when `signal` has aborted. */
export function createConnectTurns(rates: ConnectRates, signal: AbortSignal): ConnectTurns {
  const turn = createThrottle(rates.connectsPerSecond, rates.connectBurst, signal);
  const ownTurn = createThrottle(rates.ownConnectsPerSecond, rates.ownConnectBurst, signal);
  return {
    of(wasOurs) {
      let next = wasOurs ? ownTurn : turn;
      return () => {
        const current = next;
        next = turn;
        return current();
      };
    },
  };
}
