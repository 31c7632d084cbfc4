import {
  type Effect,
  ended,
  type MachineState,
  newMachine,
  type PairingCode,
  type PairingMethod,
  type Step,
  type World,
} from "./machine.ts";

/** What a channel does at a signal, one function a transition of `transition-table.ts`. */

/** A number that is given for a channel that is linked is for no pairing: it must not make its account a stranger. */
export function connect(
  _machine: MachineState,
  { method }: { method: PairingMethod },
  { isLinked }: World,
): Step {
  return {
    machine: { ...newMachine("connecting"), ...(isLinked ? {} : { method }) },
    effects: [{ type: "cancel_retry" }, { type: "open_socket" }],
  };
}

export function reconnect(machine: MachineState): Step {
  return { machine: { ...machine, state: "connecting", retryAt: null }, effects: [{ type: "open_socket" }] };
}

/** A number given while a QR shows switches to a code; given while a code shows, makes a new one. */
export function pairBy(
  machine: MachineState,
  { method }: { method: PairingMethod },
  { isLinked }: World,
): Step {
  if (isLinked || method.kind === "qr") return { machine, effects: [] };
  const isSocketReady = machine.state === "qr_ready" || machine.state === "pairing_code_ready";
  const ask: Effect = { type: "request_code", phoneNumber: method.phoneNumber };
  return { machine: { ...machine, method }, effects: isSocketReady ? [ask] : [] };
}

export function showCode(machine: MachineState, { code }: { code: PairingCode }): Step {
  if (code.kind === "qr" && machine.method.kind === "code") {
    return { machine, effects: [{ type: "request_code", phoneNumber: machine.method.phoneNumber }] };
  }
  const state = code.kind === "qr" ? "qr_ready" : "pairing_code_ready";
  return { machine: { ...machine, state, code, reason: null, retryAt: null }, effects: [] };
}

export function open(machine: MachineState, _: unknown, { now, isWrongAccount }: World): Step {
  const opened: MachineState = {
    ...machine,
    state: "active",
    code: null,
    reason: null,
    retryAt: null,
    openedAt: now,
  };
  if (machine.unlinkOnOpen) return unlinkNow(opened);
  if (isWrongAccount) return rejectWrongAccount();
  return { machine: opened, effects: [{ type: "remember_account" }] };
}

/** Asked to stop where there is nothing to stop: only the wish goes. */
export function dropWish(machine: MachineState): Step {
  return { machine, effects: [{ type: "drop_wish" }] };
}

/** What is about to be unlinked is stopped by that: the credentials must not outlive a stop in between. */
export function hangUp(machine: MachineState): Step {
  if (machine.unlinkOnOpen) return dropWish(machine);
  return ended("inactive", "disconnected", [{ type: "close_socket" }]);
}

/** A linked channel comes back wherever it is owned next; a pairing does not survive its socket. */
export function suspend(machine: MachineState, _: unknown, { isLinked }: World): Step {
  if (!isLinked) return ended("inactive", "interrupted", [{ type: "close_socket" }]);
  // A wait that WhatsApp asked for goes on, whoever owns the channel.
  const waiting = machine.state === "waiting" ? machine : newMachine("waiting", "connection_lost");
  return { machine: waiting, effects: [{ type: "cancel_retry" }, { type: "close_socket" }] };
}

export function eraseUnlinked(): Step {
  return ended("logged_out", "unlinked_by_api", [{ type: "close_socket" }, { type: "erase_credentials" }]);
}

export function unlinkNow(_machine: MachineState): Step {
  return ended("logged_out", "unlinked_by_api", [{ type: "unlink_device" }, { type: "erase_credentials" }]);
}

/** An account that was not asked for: it is let go of again, and nothing of it is kept. */
function rejectWrongAccount(): Step {
  return ended("error", "wrong_number", [{ type: "unlink_device" }, { type: "erase_credentials" }]);
}

/** Unlinking needs an open socket: a linked channel connects once more for it. The socket that paired cannot do it. */
export function unlinkLater(machine: MachineState, _: unknown, { isLinked }: World): Step {
  if (!isLinked) return eraseUnlinked();
  if (machine.unlinkOnOpen) return { machine, effects: [] };
  const later = { code: null, reason: null, retryAt: null, unlinkOnOpen: true };
  const next: MachineState = { ...machine, ...later, state: "connecting" };
  if (machine.state === "connecting") return { machine: next, effects: [] };
  const anew: Effect[] = [{ type: "cancel_retry" }, { type: "close_socket" }, { type: "open_socket" }];
  return { machine: next, effects: anew };
}
