import type { ChannelStatus, StatusReason } from "../shared/channel.ts";
import { type Backoff, backoffMs } from "./backoff.ts";
import type { CloseReason } from "./close-reason.ts";

/** The life of a channel: one pure, total table. Nothing here opens, waits or reads a clock. */

/** The seed's seven, and `waiting` (lost, will retry), which callers see as `connecting` with a reason. */
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

export interface Machine {
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
  limits: MachineLimits;
}

export interface MachineLimits {
  backoff: Backoff;
  /** The pause after another client took over, before the one retry. */
  replacedPauseMs: number;
  /** Open for this long counts as stable: attempts start from zero again. */
  stableMs: number;
}

const restartsInARowMax = 3;

export interface Step {
  machine: Machine;
  effects: Effect[];
}

type Transition<S extends SignalType> = (
  machine: Machine,
  signal: Extract<Signal, { type: S }>,
  world: World,
) => Step;

type Row = { [S in SignalType]: Transition<S> | null };

/** Every state × every signal; `null` is ignored. The table is meant to be read aloud. */
// biome-ignore format: the table is read by columns
export const table: Record<StateName, Row> = {
  inactive:           { start: connect,  stop: settle,     unlink: unlinkLater, qr: null,     code: null,     opened: null, closed: null,     retry: null,     interrupt: null },
  connecting:         { start: pairBy,   stop: hangUp,     unlink: unlinkLater, qr: showCode, code: showCode, opened: open, closed: byReason, retry: null,     interrupt: suspend },
  qr_ready:           { start: pairBy,   stop: hangUp,     unlink: unlinkLater, qr: showCode, code: showCode, opened: open, closed: byReason, retry: null,     interrupt: suspend },
  pairing_code_ready: { start: pairBy,   stop: hangUp,     unlink: unlinkLater, qr: null,     code: showCode, opened: open, closed: byReason, retry: null,     interrupt: suspend },
  active:             { start: null,     stop: hangUp,     unlink: unlinkNow,   qr: null,     code: null,     opened: null, closed: byReason, retry: null,     interrupt: suspend },
  waiting:            { start: pairBy,   stop: hangUp,     unlink: unlinkLater, qr: null,     code: null,     opened: null, closed: null,     retry: reconnect,interrupt: suspend },
  error:              { start: connect,  stop: hangUp,     unlink: unlinkLater, qr: null,     code: null,     opened: null, closed: null,     retry: null,     interrupt: null },
  logged_out:         { start: connect,  stop: settle,     unlink: null,        qr: null,     code: null,     opened: null, closed: null,     retry: null,     interrupt: null },
};

/** The next machine and what to do. An ignored signal changes nothing. */
export function step(machine: Machine, signal: Signal, world: World): Step {
  const transition = table[machine.state][signal.type] as Transition<SignalType> | null;
  return transition?.(machine, signal, world) ?? { machine, effects: [] };
}

export function newMachine(state: StateName, reason: StatusReason | null = null): Machine {
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
export function publicStatus({ state }: Pick<Machine, "state">): ChannelStatus {
  return state === "waiting" ? "connecting" : state;
}

function connect(_machine: Machine, { method }: { method: PairingMethod }): Step {
  return {
    machine: { ...newMachine("connecting"), method },
    effects: [{ type: "cancel_retry" }, { type: "open_socket" }],
  };
}

function reconnect(machine: Machine): Step {
  return { machine: { ...machine, state: "connecting", retryAt: null }, effects: [{ type: "open_socket" }] };
}

/** A number given while a QR shows switches to a code; given while a code shows, makes a new one. */
function pairBy(machine: Machine, { method }: { method: PairingMethod }, { isLinked }: World): Step {
  if (isLinked || method.kind === "qr") return { machine, effects: [] };
  const isSocketReady = machine.state === "qr_ready" || machine.state === "pairing_code_ready";
  const ask: Effect = { type: "request_code", phoneNumber: method.phoneNumber };
  return { machine: { ...machine, method }, effects: isSocketReady ? [ask] : [] };
}

function showCode(machine: Machine, { code }: { code: PairingCode }): Step {
  if (code.kind === "qr" && machine.method.kind === "code") {
    return { machine, effects: [{ type: "request_code", phoneNumber: machine.method.phoneNumber }] };
  }
  const state = code.kind === "qr" ? "qr_ready" : "pairing_code_ready";
  return { machine: { ...machine, state, code, reason: null, retryAt: null }, effects: [] };
}

function open(machine: Machine, _: unknown, { now }: World): Step {
  const opened: Machine = {
    ...machine,
    state: "active",
    code: null,
    reason: null,
    retryAt: null,
    openedAt: now,
  };
  if (machine.unlinkOnOpen) return unlinkNow(opened);
  return { machine: opened, effects: [{ type: "remember_account" }] };
}

/** Asked to stop where there is nothing to stop: only the wish goes. */
function settle(machine: Machine): Step {
  return { machine, effects: [{ type: "drop_wish" }] };
}

/** What is about to be unlinked is stopped by that: the credentials must not outlive a stop in between. */
function hangUp(machine: Machine): Step {
  if (machine.unlinkOnOpen) return settle(machine);
  return ended("inactive", "disconnected", [{ type: "close_socket" }]);
}

/** A linked channel comes back wherever it is owned next; a pairing does not survive its socket. */
function suspend(_machine: Machine, _: unknown, { isLinked }: World): Step {
  if (!isLinked) return ended("inactive", "interrupted", [{ type: "close_socket" }]);
  return {
    machine: newMachine("waiting", "connection_lost"),
    effects: [{ type: "cancel_retry" }, { type: "close_socket" }],
  };
}

function abandon(): Step {
  return ended("logged_out", "unlinked_by_api", [{ type: "close_socket" }, { type: "erase_credentials" }]);
}

function unlinkNow(_machine: Machine): Step {
  return ended("logged_out", "unlinked_by_api", [{ type: "unlink_device" }, { type: "erase_credentials" }]);
}

/** Unlinking needs an open socket: a linked channel connects once more for it. The socket that paired cannot do it. */
function unlinkLater(machine: Machine, _: unknown, { isLinked }: World): Step {
  if (!isLinked) return abandon();
  const later = { code: null, reason: null, retryAt: null, unlinkOnOpen: true };
  const next: Machine = { ...machine, ...later, state: "connecting" };
  if (machine.state === "connecting") return { machine: next, effects: [] };
  const anew: Effect[] = [{ type: "cancel_retry" }, { type: "close_socket" }, { type: "open_socket" }];
  return { machine: next, effects: anew };
}

/** Losing the lease is nothing to react to: the session hangs up, and the channel is somebody else's. */
type AnsweredReason = Exclude<CloseReason, { kind: "lease_lost" }>;
type Reaction = (machine: Machine, reason: AnsweredReason, world: World) => Step;

function byReason(machine: Machine, { reason }: { reason: CloseReason }, world: World): Step {
  if (reason.kind === "lease_lost") return { machine, effects: [] };
  if (machine.unlinkOnOpen && reason.kind !== "restart_required") return abandon();
  const isStable = machine.openedAt !== null && world.now - machine.openedAt >= world.limits.stableMs;
  const settled = isStable ? { ...machine, attempt: 0, restarts: 0, replacements: 0 } : machine;
  return reactions[reason.kind]({ ...settled, openedAt: null }, reason, world);
}

const reactions: Record<AnsweredReason["kind"], Reaction> = {
  restart_required: restartAtOnce,
  unlinked: () => ended("logged_out", "unlinked_by_phone", [{ type: "erase_credentials" }]),
  unpaired: () => ended("error", "pairing_failed"),
  replaced: (machine, _, world) =>
    machine.replacements > 0
      ? ended("error", "replaced")
      : waiting({ ...machine, replacements: 1 }, "replaced", world.limits.replacedPauseMs, world),
  qr_expired: () => ended("inactive", "qr_expired"),
  connection_lost: (machine, _, world) => retryLater(machine, "connection_lost", world),
  server_unavailable: (machine, _, world) => retryLater(machine, "server_unavailable", world),
  rate_limited: (machine, reason, world) =>
    waiting(machine, "rate_limited", reason.kind === "rate_limited" ? reason.retryAfterMs : 0, world),
  client_outdated: () => ended("error", "client_outdated"),
  banned: () => ended("error", "banned"),
  temporarily_banned: (_, reason, world) => {
    const forMs = reason.kind === "temporarily_banned" ? reason.forMs : null;
    const { machine, effects } = ended("error", "temporarily_banned");
    return { machine: { ...machine, retryAt: forMs === null ? null : world.now + forMs }, effects };
  },
  pairing_failed: () => ended("error", "pairing_failed"),
  passkey_required: () => ended("error", "passkey_required"),
  credentials_unreadable: () => ended("error", "credentials_unreadable"),
};

/** Part of pairing, so at once; a server that asks for nothing else is treated like one that is down. */
function restartAtOnce(machine: Machine, _: CloseReason, world: World): Step {
  if (machine.restarts >= restartsInARowMax) return retryLater(machine, "server_unavailable", world);
  return {
    machine: {
      ...machine,
      state: "connecting",
      reason: null,
      code: null,
      retryAt: null,
      restarts: machine.restarts + 1,
    },
    effects: [{ type: "open_socket" }],
  };
}

function retryLater(machine: Machine, reason: StatusReason, world: World): Step {
  return waiting(machine, reason, backoffMs(world.limits.backoff, machine.attempt, world.random), world);
}

function waiting(machine: Machine, reason: StatusReason, delayMs: number, { now }: World): Step {
  return {
    machine: {
      ...machine,
      state: "waiting",
      reason,
      code: null,
      retryAt: now + delayMs,
      attempt: machine.attempt + 1,
    },
    effects: [{ type: "schedule_retry", delayMs }],
  };
}

/** A state that only a person leaves. */
function ended(state: StateName, reason: StatusReason, effects: Effect[] = []): Step {
  return {
    machine: newMachine(state, reason),
    effects: [{ type: "cancel_retry" }, ...effects, { type: "drop_wish" }],
  };
}
