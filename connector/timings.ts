import type { Backoff } from "#shared/backoff.ts";

/** WhatsApp connections: 1 s, doubled up to 5 minutes. */
export const connectBackoff: Backoff = { baseMs: 1_000, maxMs: 300_000 };

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
  /** Open without a frame for this long: WhatsApp is asked whether it is there. */
  probeQuietMs: number;
  /** How long that answer may take; none twice in a row ends the socket. */
  probeMs: number;
  /** The same for the queues between the socket and the event log: one task, a big history among them, takes long. */
  stuckMs: number;
  keepAliveMs: number;
  /** How old a signed pre-key gets, how long after a failure the next is tried, and how often that is looked at. */
  signedPreKeyMs: number;
  signedPreKeyRetryMs: number;
  rotationLookMs: number;
  ackMs: number;
  replacedPauseMs: number;
  stableMs: number;
  backoff: Backoff;
  /** How long a channel without an owner is left to the connector that should have it. */
  graceMs: number;
  /** Channels are moved to a connector that joined once nobody joined or left for this long. */
  moveQuietMs: number;
  /** Channels that a connector hands over a second, to balance. */
  movesPerSecond: number;
  /** A channel that was moved is not moved again before this. */
  moveRestMs: number;
  /** New connections to WhatsApp a second, for the whole connector, after the first `connectBurst`. */
  connectsPerSecond: number;
  connectBurst: number;
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
  deadCheckMs: 1_000,
  sweepMs: 10_000,
  qrMs: null,
  connectWatchdogMs: 60_000,
  probeQuietMs: 20_000,
  probeMs: 10_000,
  stuckMs: 30_000,
  keepAliveMs: 15_000,
  signedPreKeyMs: 30 * 24 * 60 * 60_000,
  signedPreKeyRetryMs: 24 * 60 * 60_000,
  rotationLookMs: 10 * 60_000,
  ackMs: 20_000,
  replacedPauseMs: 60_000,
  stableMs: 60_000,
  backoff: connectBackoff,
  graceMs: 5_000,
  moveQuietMs: 5_000,
  movesPerSecond: 2,
  moveRestMs: 10 * 60_000,
  connectsPerSecond: 5,
  connectBurst: 50,
  idleReleaseMs: 60_000,
  finishMs: 15_000,
  stopMs: 25_000,
};
