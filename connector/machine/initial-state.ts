import type { ChannelDocument } from "#shared/collections.ts";
import { type MachineState, newMachine } from "./machine.ts";

/** Where a channel stands when an owner takes it over. */
export interface InitialState {
  machine: MachineState;
  /** Whether callers have not been told that yet. */
  mustAnnounce: boolean;
  /** Whether to connect right away. */
  mustConnect: boolean;
  /** How long to wait before connecting; null when that is not what it waits for. */
  retryInMs: number | null;
}

const resting = ["inactive", "error", "logged_out"] as const;
const pairing: readonly ChannelDocument["status"][] = ["connecting", "qr_ready", "pairing_code_ready"];

/** A new owner is still the same client to WhatsApp: these waits are not cut short by a restart. */
const askedToWait: readonly ChannelDocument["reason"][] = ["rate_limited", "replaced"];

/**
 * The wish, not the last status, decides what is connected again. A pairing that the last owner did not finish is not
 * taken up: its code died with the socket. `now` is in ms since the epoch.
 */
export function initialState(
  channel: Pick<ChannelDocument, "status" | "reason" | "wanted" | "retryAt">,
  isLinked: boolean,
  now: number,
): InitialState {
  const { status, reason, wanted, retryAt } = channel;
  const known = { mustAnnounce: false, mustConnect: false, retryInMs: null };
  if (wanted === "disconnected") {
    const rest = resting.find((state) => state === status);
    if (rest) return { ...known, machine: newMachine(rest, reason) };
    return { ...known, machine: newMachine("inactive", "disconnected"), mustAnnounce: true };
  }
  // Credentials go first when a phone unlinks: who died then has not said so.
  if (!isLinked && status === "active") {
    return { ...known, machine: newMachine("logged_out", "unlinked_by_phone"), mustAnnounce: true };
  }
  if (!isLinked && pairing.includes(status)) {
    return { ...known, machine: newMachine("inactive", "interrupted"), mustAnnounce: true };
  }
  const retryInMs = (retryAt?.getTime() ?? 0) - now;
  if (isLinked && retryInMs > 0 && status === "connecting" && askedToWait.includes(reason)) {
    const machine = { ...newMachine("waiting", reason), retryAt: now + retryInMs };
    return { ...known, machine, retryInMs };
  }
  return { ...known, machine: newMachine("inactive"), mustConnect: true };
}
