import type { Backoff } from "#shared/backoff.ts";
import type { ChannelStatus, StatusReason } from "#shared/channel.ts";
import type { CloseReason } from "./close-reason.ts";

/** The words of a channel's life; `transition-table.ts` is the life itself. Nothing here opens, waits or reads a clock. */

/** The statuses that callers see, and `waiting` (lost, will retry), which they see as `connecting` with a reason. */
export type StateName = ChannelStatus | "waiting";

export type PairingMethod = { kind: "qr" } | { kind: "code"; phoneNumber: string };

export interface PairingCode {
  kind: "qr" | "code";
  text: string;
  attempt: number;
  of: number;
  /** Ms since the epoch. */
  expiresAt: number;
}

export interface MachineState {
  state: StateName;
  reason: StatusReason | null;
  /** When the next attempt comes, ms since the epoch. */
  retryAt: number | null;
  method: PairingMethod;
  /** What waits to be scanned or typed. */
  code: PairingCode | null;
  /** Failed attempts in a row. */
  attempt: number;
  /** How often WhatsApp asked for a restart since it was last stable. */
  restarts: number;
  /** How often another client took this session over since it was last stable. */
  replacements: number;
  /** When it became active, ms since the epoch. */
  openedAt: number | null;
  /** Unlink as soon as it is open: asked for while it was not. */
  unlinkOnOpen: boolean;
}

export type Signal =
  | { type: "start"; method: PairingMethod }
  | { type: "stop" }
  | { type: "unlink" }
  | { type: "qr"; code: PairingCode }
  | { type: "code"; code: PairingCode }
  | { type: "opened" }
  /** `code`: the number that WhatsApp or the transport gave, only to be told on. */
  | { type: "closed"; reason: CloseReason; code: number | null }
  | { type: "retry" }
  /** This connector stops; the channel may go on elsewhere. */
  | { type: "interrupt" };

export type SignalType = Signal["type"];

/** What the session is asked to do, in this order. */
export type Effect =
  | { type: "open_socket" }
  | { type: "close_socket" }
  | { type: "unlink_device" }
  | { type: "erase_credentials" }
  | { type: "request_code"; phoneNumber: string }
  /** Whose account it is, is known now. */
  | { type: "remember_account" }
  | { type: "schedule_retry"; delayMs: number }
  | { type: "cancel_retry" }
  /** The channel is not to come back by itself any more. */
  | { type: "drop_wish" };

/** What the table may know beside the machine and the signal. */
export interface World {
  /** Ms since the epoch. */
  now: number;
  /** In [0, 1). */
  random: number;
  isLinked: boolean;
  /** Whether the linked account is another than the caller named. */
  isWrongAccount: boolean;
  limits: MachineLimits;
}

export interface MachineLimits {
  backoff: Backoff;
  /** The pause after another client took over, before the one retry. */
  replacedPauseMs: number;
  /** Open for this long counts as stable: attempts start from zero again. */
  stableMs: number;
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
    attempt: 0,
    restarts: 0,
    replacements: 0,
    openedAt: null,
    unlinkOnOpen: false,
  };
}

/** What callers are told. */
export function publicStatus({ state }: Pick<MachineState, "state">): ChannelStatus {
  return state === "waiting" ? "connecting" : state;
}

/** A state that only a person leaves. */
export function ended(state: StateName, reason: StatusReason, effects: Effect[] = []): Step {
  return {
    machine: newMachine(state, reason),
    effects: [{ type: "cancel_retry" }, ...effects, { type: "drop_wish" }],
  };
}

/** Whether letting go loses nothing: not connected, and not about to be. */
export function isIdle({ state, reason }: MachineState): boolean {
  // The next owner would find the same, and say it again.
  if (reason === "credentials_unreadable") return false;
  return state === "inactive" || state === "error" || state === "logged_out";
}

/** Whether another connector could go on where this one stops: neither pairing nor between two connections. */
export function isMovable({ state }: MachineState): boolean {
  return state === "active";
}
