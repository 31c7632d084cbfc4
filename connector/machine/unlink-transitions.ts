import type { UnlinkCause } from "#shared/collections.ts";
import type { CloseReason } from "./close-reason.ts";
import {
  type Effect,
  ended,
  type MachineState,
  newMachine,
  type PendingUnlink,
  type Step,
  type World,
} from "./machine.ts";

/*
 * Removing the device at WhatsApp. The credentials are the only means to do it, so they stay until WhatsApp has confirmed it:
 * by answering the request, by ending the stream with `device_removed`, or by refusing the next login. Without an answer the
 * request is made again on a new connection.
 */

export type Unlinking = MachineState & { unlink: PendingUnlink };

export function isUnlinking(machine: MachineState): machine is Unlinking {
  return machine.unlink !== null;
}

/** Asks over the open socket; `unlinked` or `closed` follows. */
export function unlinkNow(
  machine: MachineState,
  { cause }: { cause: UnlinkCause },
  { now }: Pick<World, "now">,
): Step {
  const unlink = machine.unlink ?? { cause, since: now };
  return {
    machine: { ...machine, ...pending(unlink), state: "unlinking", openedAt: null },
    effects: [{ type: "unlink_device" }, { type: "drop_wish" }],
  };
}

/** Unlinking needs an open socket, so a linked channel connects once more for it. The socket that paired cannot. */
export function unlinkLater(machine: MachineState, { cause }: { cause: UnlinkCause }, world: World): Step {
  if (isUnlinking(machine)) return unlinkFor(machine, { cause }, world);
  const next: MachineState = {
    ...machine,
    ...pending({ cause, since: world.now }),
    state: "connecting",
  };
  if (!world.isLinked) return endUnlink(next);
  const dropWish: Effect = { type: "drop_wish" };
  if (machine.state === "connecting") return { machine: next, effects: [dropWish] };
  const reconnect: Effect[] = [{ type: "cancel_retry" }, { type: "close_socket" }, { type: "open_socket" }];
  return { machine: next, effects: [...reconnect, dropWish] };
}

/** A deletion takes a pending unlinking over. Any other request joins it, and does not cut a wait short. */
export function unlinkFor(
  machine: MachineState,
  { cause }: { cause: UnlinkCause },
  { now }: Pick<World, "now">,
): Step {
  if (cause !== "deletion" || machine.unlink?.cause === "deletion") return { machine, effects: [] };
  return { machine: { ...machine, unlink: { cause, since: now } }, effects: [] };
}

/** The device is gone for certain. */
export function endUnlink(machine: MachineState): Step {
  const effects: Effect[] = [{ type: "close_socket" }, { type: "erase_credentials" }];
  return machine.unlink?.cause === "wrong_number"
    ? ended("error", "wrong_number", effects)
    : ended("logged_out", "unlinked_by_api", effects);
}

export function isOverdue({ unlink }: Unlinking, { now, limits }: World): boolean {
  return now - unlink.since >= limits.unlinkMaxMs;
}

/** WhatsApp has not confirmed it in all that time. Keeps the credentials, unless they are a stranger's. */
export function giveUpUnlink({ unlink }: Unlinking): Step {
  const effects: Effect[] = [{ type: "close_socket" }, { type: "report_unconfirmed", cause: unlink.cause }];
  return unlink.cause === "wrong_number"
    ? ended("error", "wrong_number", [...effects, { type: "erase_credentials" }])
    : ended("inactive", "disconnected", effects);
}

/**
 * How long to wait before the next request; null where a backoff decides. A server that refuses the account or the client
 * will not change its mind soon.
 */
export function unlinkPauseMs(reason: CloseReason, { limits }: World): number | null {
  switch (reason.kind) {
    case "connection_lost":
    case "server_unavailable":
    case "server_untrusted":
    case "restart_required":
    case "link_refused":
    case "unlink_unconfirmed":
      return null;
    case "rate_limited":
      return reason.retryAfterMs;
    case "replaced":
      return limits.replacedPauseMs;
    case "temporarily_banned":
      return reason.forMs ?? limits.unlinkRefusedMs;
    default:
      return limits.unlinkRefusedMs;
  }
}

/** The machine of an owner that continues an unlinking: it connects when the wait is over. */
export function resumedUnlink(unlink: PendingUnlink, retryAt: number): MachineState {
  return { ...newMachine("waiting"), ...pending(unlink), retryAt };
}

function pending(unlink: PendingUnlink) {
  return { unlink, reason: "unlinking" as const, code: null, retryAt: null };
}
