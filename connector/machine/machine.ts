/** Decides what a channel does next, without I/O or a clock: states, signals, transitions and close reasons. */

import type { Backoff } from "#shared/backoff.ts";
import type { ChannelStatus, StatusReason } from "#shared/channel.ts";
import type { UnlinkCause } from "#shared/collections.ts";
import type { CloseReason } from "./close-reason.ts";

/**
 * The statuses callers see, plus `waiting` (lost, will retry) and `unlinking` (WhatsApp is asked to remove the device), which
 * they see as `connecting` with a reason.
 */
export type StateName = ChannelStatus | "waiting" | "unlinking";

export type PairingMethod = { kind: "qr" } | { kind: "code"; phoneNumber: string };

export interface PairingCode {
  kind: "qr" | "code";
  text: string;
  attempt: number;
  of: number;
  /** Ms since the epoch. */
  expiresAt: number;
}

/** An unlinking that WhatsApp has not confirmed yet. `since` is when it was requested, ms since the epoch. */
export interface PendingUnlink {
  cause: UnlinkCause;
  since: number;
}

export interface MachineState {
  state: StateName;
  reason: StatusReason | null;
  /** When the next attempt starts, ms since the epoch. */
  retryAt: number | null;
  method: PairingMethod;
  /** The code to scan or type; null when none is shown. */
  code: PairingCode | null;
  /** Whether this connection has asked WhatsApp for a pairing code, on a person's request. */
  hasAskedForCode: boolean;
  /** Consecutive failed attempts. */
  attempt: number;
  /** Restarts WhatsApp has asked for since the connection was last stable. */
  restarts: number;
  /** How often WhatsApp has refused the first login since the phone accepted the device. */
  refusals: number;
  /** How often another client has replaced this connection since it was last stable. */
  replacements: number;
  /** When the channel became active, ms since the epoch. */
  openedAt: number | null;
  /** Any connection that opens serves only to unlink the device; null when none is to be unlinked. */
  unlink: PendingUnlink | null;
}

export type Signal =
  /** A person asks for a connection, or a new owner finds that the channel should have one. Retries use `retry`. */
  /** `isWish`: a person asks for it, so that the channel is wished to be connected from now on. */
  | { type: "start"; method: PairingMethod; isWish?: true }
  | { type: "stop" }
  | { type: "unlink"; cause: Exclude<UnlinkCause, "wrong_number"> }
  /** WhatsApp has confirmed that the device is removed. */
  | { type: "unlinked" }
  | { type: "qr"; code: PairingCode }
  | { type: "code"; code: PairingCode }
  /** The phone has accepted the device: a code is used up, and the first login follows. */
  | { type: "paired" }
  | { type: "opened" }
  /** `code` is the number WhatsApp or the transport gave; it is only reported to callers. */
  | { type: "closed"; reason: CloseReason; code: number | null }
  | { type: "retry" }
  /** This connector stops; another may continue the channel. */
  | { type: "interrupt" };

export type SignalType = Signal["type"];

/** An action the machine asks of the session; the effects of a step run in order. */
export type Effect =
  | { type: "open_socket" }
  | { type: "close_socket" }
  /** Asks WhatsApp to remove the device; a signal reports the answer. */
  | { type: "unlink_device" }
  /** WhatsApp never confirmed an unlinking: its owner may have to remove the device on the phone. */
  | { type: "report_unconfirmed"; cause: UnlinkCause }
  | { type: "erase_credentials" }
  | { type: "request_code"; phoneNumber: string }
  /** The linked account is known and can be recorded. */
  | { type: "remember_account" }
  | { type: "schedule_retry"; delayMs: number }
  | { type: "cancel_retry" }
  /** The channel must not reconnect until a caller asks for it. */
  | { type: "drop_wish" };

/** The inputs of a transition besides the machine state and the signal. */
export interface World {
  /** The database's time, ms since the epoch. */
  now: number;
  /** In [0, 1). */
  random: number;
  isLinked: boolean;
  /** Whether the linked account differs from the one the caller named. */
  isWrongAccount: boolean;
  limits: MachineLimits;
}

export interface MachineLimits {
  backoff: Backoff;
  /** The pause after another client replaced the connection, before the only retry. */
  replacedPauseMs: number;
  /** A connection open for this long counts as stable: attempts start from zero again. */
  stableMs: number;
  /** How long an unlinking is repeated until WhatsApp confirms it. */
  unlinkMaxMs: number;
  /** The pause between two attempts to unlink while WhatsApp refuses the login. */
  unlinkRefusedMs: number;
}

export interface Step {
  machine: MachineState;
  effects: Effect[];
}

export function newMachine(state: StateName, reason: StatusReason | null = null): MachineState {
  return {
    state,
    reason,
    retryAt: null,
    method: { kind: "qr" },
    code: null,
    hasAskedForCode: false,
    attempt: 0,
    restarts: 0,
    refusals: 0,
    replacements: 0,
    openedAt: null,
    unlink: null,
  };
}

/** The status callers see. */
export function publicStatus({ state }: Pick<MachineState, "state">): ChannelStatus {
  return state === "waiting" || state === "unlinking" ? "connecting" : state;
}

/** Ends in a state that only a person's request leaves. */
export function ended(state: StateName, reason: StatusReason, effects: Effect[] = []): Step {
  return {
    machine: newMachine(state, reason),
    effects: [{ type: "cancel_retry" }, ...effects, { type: "drop_wish" }],
  };
}

/** Whether releasing the channel loses nothing: it is not connected and not about to be. */
export function isIdle({ state, reason }: MachineState): boolean {
  // The next owner would find the same and publish it again.
  if (reason === "credentials_unreadable") return false;
  return state === "inactive" || state === "error" || state === "logged_out";
}

/** Whether another connector can continue where this one stops: not while pairing or between two connections. */
export function isMovable({ state }: MachineState): boolean {
  return state === "active";
}
