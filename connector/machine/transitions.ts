import {
  ended,
  type MachineState,
  newMachine,
  type PairingCode,
  type PairingMethod,
  type Step,
  type World,
} from "./machine.ts";
import {
  endUnlink,
  giveUpUnlink,
  isOverdue,
  isUnlinking,
  resumedUnlink,
  unlinkNow,
} from "./unlink-transitions.ts";

/** The transitions of `transition-table.ts`, one function each. */

/** A linked channel does not pair, so ignore the number; otherwise its own account would look like the wrong one. */
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

/**
 * Ends a wait at a person's request. The count of attempts stays, so that the next wait is as long as it would have been
 * without them.
 */
export function connectNow(
  machine: MachineState,
  { method }: { method: PairingMethod },
  { isLinked }: World,
): Step {
  const isNumberGiven = !isLinked && method.kind === "code";
  const next: MachineState = {
    ...machine,
    ...(isNumberGiven && { method }),
    state: "connecting",
    retryAt: null,
  };
  return { machine: next, effects: [{ type: "cancel_retry" }, { type: "open_socket" }] };
}

export function reconnect(machine: MachineState, _: unknown, world: World): Step {
  if (isUnlinking(machine) && isOverdue(machine, world)) return giveUpUnlink(machine);
  return { machine: { ...machine, state: "connecting", retryAt: null }, effects: [{ type: "open_socket" }] };
}

/**
 * A number given while a QR code is shown switches to a pairing code; given while one is shown, requests a new one. While
 * WhatsApp has not answered yet, the same number waits for that answer.
 */
export function pairBy(
  machine: MachineState,
  { method }: { method: PairingMethod },
  { isLinked }: World,
): Step {
  if (isLinked || method.kind === "qr") return { machine, effects: [] };
  const { phoneNumber } = method;
  const next: MachineState = { ...machine, method };
  const isShowingCode = machine.state === "qr_ready" || machine.state === "pairing_code_ready";
  const isAwaited =
    machine.code?.kind !== "code" && machine.hasAskedForCode && isFor(machine.method, phoneNumber);
  const isReady = isShowingCode || machine.hasAskedForCode;
  return isReady && !isAwaited ? askForCode(next, phoneNumber) : { machine: next, effects: [] };
}

function isFor(method: PairingMethod, phoneNumber: string): boolean {
  return method.kind === "code" && method.phoneNumber === phoneNumber;
}

/** Each of a person's requests asks once: WhatsApp makes few codes for a number, and the QRs that follow are no reason. */
export function showCode(machine: MachineState, { code }: { code: PairingCode }): Step {
  // Only a device that is not linked is offered a code.
  if (isUnlinking(machine)) return endUnlink(machine);
  const { method, hasAskedForCode } = machine;
  if (code.kind === "qr" && method.kind === "code") {
    return hasAskedForCode ? { machine, effects: [] } : askForCode(machine, method.phoneNumber);
  }
  const state = code.kind === "qr" ? "qr_ready" : "pairing_code_ready";
  return { machine: { ...machine, state, code, reason: null, retryAt: null }, effects: [] };
}

function askForCode(machine: MachineState, phoneNumber: string): Step {
  return { machine: { ...machine, hasAskedForCode: true }, effects: [{ type: "request_code", phoneNumber }] };
}

/** A used code must not be given out again, and the connection that paired cannot become active. */
export function awaitLogin(machine: MachineState): Step {
  if (isUnlinking(machine)) return { machine, effects: [] };
  return {
    machine: { ...machine, state: "connecting", code: null, reason: null, retryAt: null },
    effects: [],
  };
}

export function open(machine: MachineState, _: unknown, { now, isWrongAccount }: World): Step {
  if (isUnlinking(machine)) return unlinkNow(machine, machine.unlink, { now });
  // Nothing of an account that the caller did not name is kept.
  if (isWrongAccount) return unlinkNow(machine, { cause: "wrong_number" }, { now });
  const opened: MachineState = {
    ...machine,
    state: "active",
    code: null,
    reason: null,
    retryAt: null,
    openedAt: now,
  };
  return { machine: opened, effects: [{ type: "remember_account" }] };
}

/** Nothing runs that could be stopped: only the wish is dropped. */
export function dropWish(machine: MachineState): Step {
  return { machine, effects: [{ type: "drop_wish" }] };
}

/** A pending unlink stops the channel anyway; a stop in between must not let the credentials survive. */
export function hangUp(machine: MachineState): Step {
  if (isUnlinking(machine)) return dropWish(machine);
  return ended("inactive", "disconnected", [{ type: "close_socket" }]);
}

/** A linked channel reconnects under its next owner; a pairing does not survive its socket. */
export function suspend(machine: MachineState, _: unknown, { isLinked, now }: World): Step {
  if (!isLinked) return ended("inactive", "interrupted", [{ type: "close_socket" }]);
  // A wait that WhatsApp asked for continues under any owner.
  const lost = isUnlinking(machine)
    ? resumedUnlink(machine.unlink, now)
    : newMachine("waiting", "connection_lost");
  const waiting = machine.state === "waiting" ? machine : lost;
  return { machine: waiting, effects: [{ type: "cancel_retry" }, { type: "close_socket" }] };
}
