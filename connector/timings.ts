/** Sets the durations and rates of a connector, which tests may shorten. */

import type { Backoff } from "#shared/backoff.ts";

/** WhatsApp connections: 1 s, doubled up to 5 minutes. */
export const connectBackoff: Backoff = { baseMs: 1_000, maxMs: 300_000 };

/** Durations and rates; ms unless the name says otherwise. */
export interface Timings {
  leaseMs: number;
  renewMs: number;
  /** How long before the end of its lease a connector stops, so that no other takes over while it still works. */
  leaseMarginMs: number;
  deadCheckMs: number;
  sweepMs: number;
  /** How long each QR code is shown; null for WhatsApp's own 60 s for the first and 20 s for the others. */
  qrMs: number | null;
  /** A socket without a QR, open or close event within this is terminated; an accepted login has as long again. */
  connectWatchdogMs: number;
  /** How long WhatsApp may take to answer one query of a login. */
  loginAnswerMs: number;
  /** How long WhatsApp may take to answer a request for a pairing code. */
  pairingAnswerMs: number;
  /** How long WhatsApp may take to end the connection of a device that a phone has accepted. */
  restartMs: number;
  /** An open socket without a frame for this long is probed with a ping. */
  probeQuietMs: number;
  /** How long the answer to a ping may take; two missing answers in a row terminate the socket. */
  probeMs: number;
  /** The same for the queues between the socket and the event log, where one task, such as a big history, takes long. */
  stuckMs: number;
  keepAliveMs: number;
  /** The age at which a signed pre-key is replaced, the pause after a failure, and how often both are checked. */
  signedPreKeyMs: number;
  signedPreKeyRetryMs: number;
  rotationLookMs: number;
  ackMs: number;
  /**
   * How long WhatsApp's answers about one recipient (registered? which devices and keys?) may take in all, and the one about
   * the media hosts.
   */
  recipientMs: number;
  /** How long a send that is not ready keeps later sends to other chats waiting. */
  overtakeMs: number;
  replacedPauseMs: number;
  stableMs: number;
  /** How long WhatsApp may take to answer the request to remove the device. */
  unlinkAnswerMs: number;
  /** How long an unlinking is repeated until WhatsApp confirms it, and the pause while it refuses the login. */
  unlinkMaxMs: number;
  unlinkRefusedMs: number;
  backoff: Backoff;
  /** How long a channel without an owner is left to its preferred connector. */
  graceMs: number;
  /** Channels move to a connector that joined only after the membership has not changed for this long. */
  moveQuietMs: number;
  /** How many channels a connector hands over per second, to balance the load. */
  movesPerSecond: number;
  /** How long a moved channel stays before it may move again. */
  moveRestMs: number;
  /** New connections to WhatsApp per second, for the whole connector, after the first `connectBurst`. */
  connectsPerSecond: number;
  connectBurst: number;
  /**
   * The same for the first connections of channels that this connector owned before it started: WhatsApp knew all of them at
   * once. As many as open within `connectWatchdogMs` on one core.
   */
  ownConnectsPerSecond: number;
  ownConnectBurst: number;
  /** An owned channel that is neither connected nor busy is released after this. */
  idleReleaseMs: number;
  /** How long a session may finish running commands before it hangs up. */
  finishMs: number;
  /** How long an orderly stop may take in all; the rest is left to the next owner. */
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
  loginAnswerMs: 5_000,
  pairingAnswerMs: 8_000,
  restartMs: 5_000,
  probeQuietMs: 20_000,
  probeMs: 10_000,
  stuckMs: 30_000,
  keepAliveMs: 15_000,
  signedPreKeyMs: 30 * 24 * 60 * 60_000,
  signedPreKeyRetryMs: 24 * 60 * 60_000,
  rotationLookMs: 10 * 60_000,
  ackMs: 20_000,
  recipientMs: 15_000,
  overtakeMs: 2_000,
  replacedPauseMs: 60_000,
  stableMs: 60_000,
  unlinkAnswerMs: 5_000,
  unlinkMaxMs: 24 * 60 * 60_000,
  unlinkRefusedMs: 60 * 60_000,
  backoff: connectBackoff,
  graceMs: 5_000,
  moveQuietMs: 5_000,
  movesPerSecond: 2,
  moveRestMs: 10 * 60_000,
  connectsPerSecond: 5,
  connectBurst: 50,
  ownConnectsPerSecond: 10,
  ownConnectBurst: 250,
  idleReleaseMs: 60_000,
  finishMs: 15_000,
  stopMs: 25_000,
};
