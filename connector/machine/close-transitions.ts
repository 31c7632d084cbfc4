import { backoffMs } from "#shared/backoff.ts";
import type { StatusReason } from "#shared/channel.ts";
import type { CloseReason } from "./close-reason.ts";
import { ended, type MachineState, newMachine, type Step, type World } from "./machine.ts";
import {
  endUnlink,
  giveUpUnlink,
  isOverdue,
  isUnlinking,
  type Unlinking,
  unlinkPauseMs,
} from "./unlink-transitions.ts";

const restartsInARowMax = 3;
/** A phone that is still linking this device may say later that it has, when the keys must still be there. */
const refusalsInARowMax = 3;

/** A lost lease has no transition: the session hangs up, and the channel belongs to another connector. */
type HandledReason = Exclude<CloseReason, { kind: "lease_lost" }>;
type CloseTransition = (machine: MachineState, reason: HandledReason, world: World) => Step;

/** The transition for a closed socket, chosen by its close reason. */
export function byReason(machine: MachineState, { reason }: { reason: CloseReason }, world: World): Step {
  if (reason.kind === "lease_lost") return { machine, effects: [] };
  if (isUnlinking(machine)) return unlinkAgain(machine, reason, world);
  if (!world.isLinked && isPairing(machine) && transientReasons.has(reason.kind)) {
    return ended("inactive", "connection_lost");
  }
  const isStable = machine.openedAt !== null && world.now - machine.openedAt >= world.limits.stableMs;
  const base = isStable ? { ...machine, attempt: 0, restarts: 0, replacements: 0 } : machine;
  return closeTransitions[reason.kind]({ ...base, openedAt: null }, reason, world);
}

/** Whether a person may be using a code of this connection, which dies with it. Only a person's request makes another. */
function isPairing({ code, hasAskedForCode }: MachineState): boolean {
  return code !== null || hasAskedForCode;
}

/** After these the channel can connect again. */
const transientReasons: ReadonlySet<CloseReason["kind"]> = new Set([
  "restart_required",
  "connection_lost",
  "server_unavailable",
  "server_untrusted",
  "rate_limited",
  "replaced",
  "link_refused",
  "unlink_unconfirmed",
]);

/** Only WhatsApp's word ends an unlinking, or its deadline; after any other close it is tried again on a new connection. */
function unlinkAgain(machine: Unlinking, reason: HandledReason, world: World): Step {
  if (reason.kind === "unlinked" || !world.isLinked) return endUnlink(machine);
  if (isOverdue(machine, world)) return giveUpUnlink(machine);
  if (reason.kind === "restart_required" && machine.restarts < restartsInARowMax) {
    return restart(machine, "unlinking");
  }
  const isRefused = reason.kind === "link_refused";
  if (isRefused && machine.refusals >= refusalsInARowMax) return endUnlink(machine);
  const pauseMs =
    unlinkPauseMs(reason, world) ?? backoffMs(world.limits.backoff, machine.attempt, world.random);
  const leftMs = machine.unlink.since + world.limits.unlinkMaxMs - world.now;
  const refusals = machine.refusals + (isRefused ? 1 : 0);
  return waiting({ ...machine, refusals }, "unlinking", Math.min(pauseMs, leftMs), world);
}

const closeTransitions: Record<HandledReason["kind"], CloseTransition> = {
  restart_required: restartAtOnce,
  unlinked: () => ended("logged_out", "unlinked_by_phone", [{ type: "erase_credentials" }]),
  // Only an unlinking asks for it.
  unlink_unconfirmed: (machine, _, world) => retryLater(machine, "connection_lost", world),
  unpaired: () => ended("error", "pairing_failed"),
  link_refused: (machine, _, world) =>
    machine.refusals >= refusalsInARowMax
      ? ended("error", "pairing_failed", [{ type: "erase_credentials" }])
      : retryLater({ ...machine, refusals: machine.refusals + 1 }, "connection_lost", world),
  replaced: (machine, _, world) =>
    machine.replacements > 0
      ? ended("error", "replaced")
      : waiting({ ...machine, replacements: 1 }, "replaced", world.limits.replacedPauseMs, world),
  qr_expired: () => ended("inactive", "qr_expired"),
  connection_lost: (machine, _, world) => retryLater(machine, "connection_lost", world),
  server_unavailable: (machine, _, world) => retryLater(machine, "server_unavailable", world),
  // The impostor between us and WhatsApp may go away, and nothing of the account reaches it until then.
  server_untrusted: (machine, _, world) => retryLater(machine, "server_untrusted", world),
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
  // The wish stays: a restart with the right master key can read them.
  credentials_unreadable: () => ({
    machine: newMachine("error", "credentials_unreadable"),
    effects: [{ type: "cancel_retry" }],
  }),
};

/** Reconnects at once: a restart is part of pairing. A server that keeps asking for one counts as unavailable. */
function restartAtOnce(machine: MachineState, _: CloseReason, world: World): Step {
  if (machine.restarts >= restartsInARowMax) return retryLater(machine, "server_unavailable", world);
  return restart(machine, null);
}

function restart(machine: MachineState, reason: StatusReason | null): Step {
  const restarts = machine.restarts + 1;
  return {
    machine: {
      ...machine,
      state: "connecting",
      reason,
      code: null,
      hasAskedForCode: false,
      retryAt: null,
      restarts,
    },
    effects: [{ type: "open_socket" }],
  };
}

function retryLater(machine: MachineState, reason: StatusReason, world: World): Step {
  return waiting(machine, reason, backoffMs(world.limits.backoff, machine.attempt, world.random), world);
}

function waiting(machine: MachineState, reason: StatusReason, delayMs: number, { now }: World): Step {
  return {
    machine: {
      ...machine,
      state: "waiting",
      reason,
      code: null,
      hasAskedForCode: false,
      retryAt: now + delayMs,
      attempt: machine.attempt + 1,
    },
    effects: [{ type: "schedule_retry", delayMs }],
  };
}
