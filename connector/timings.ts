import type { Backoff } from "../shared/backoff.ts";
import { connectBackoff } from "./backoff.ts";

/** Every duration and bound of a connector, in one place; ms unless the name says otherwise. */
export interface Timings {
  leaseMs: number;
  renewMs: number;
  /** Taken off the lease: past it we stop, before anybody may take over. */
  leaseMarginMs: number;
  deadCheckMs: number;
  sweepMs: number;
  /** How long each QR code is shown; null as WhatsApp's own clients do, 60 s for the first and 20 s for the others. */
  qrMs: number | null;
  /** No QR, open or close within this: the socket is ended. */
  connectWatchdogMs: number;
  /** Open without a frame for this long: the socket is ended. */
  silenceMs: number;
  keepAliveMs: number;
  ackMs: number;
  replacedPauseMs: number;
  stableMs: number;
  backoff: Backoff;
  /** New connections to WhatsApp a second, for the whole connector. */
  connectsPerSecond: number;
  /** An owned channel that is not connected and has nothing to do is let go after this. */
  idleReleaseMs: number;
  /** How long a session may take to finish what runs before it hangs up. */
  finishMs: number;
  /** How long a graceful stop may take in all; what is not done by then is left to the next owner. */
  stopMs: number;
}

export const defaultTimings: Timings = {
  leaseMs: 15_000,
  renewMs: 2_500,
  leaseMarginMs: 3_000,
  deadCheckMs: 2_000,
  sweepMs: 10_000,
  qrMs: null,
  connectWatchdogMs: 60_000,
  silenceMs: 90_000,
  keepAliveMs: 15_000,
  ackMs: 20_000,
  replacedPauseMs: 60_000,
  stableMs: 60_000,
  backoff: connectBackoff,
  connectsPerSecond: 5,
  idleReleaseMs: 60_000,
  finishMs: 15_000,
  stopMs: 25_000,
};
