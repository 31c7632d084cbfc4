import type { ChannelDocument } from "#shared/collections.ts";
import { type MachineState, newMachine } from "./machine.ts";

/** How a channel starts under a new owner. */
export interface InitialState {
  machine: MachineState;
  /** Whether this state is still unpublished. */
  mustAnnounce: boolean;
  /** Whether to connect at once. */
  mustConnect: boolean;
  /** How long to wait before connecting; null when no wait is pending. */
  retryInMs: number | null;
}

const resting = ["inactive", "error", "logged_out"] as const;
const pairing: readonly ChannelDocument["status"][] = ["connecting", "qr_ready", "pairing_code_ready"];

/** To WhatsApp a new owner is the same client, so a restart must not cut these waits short. */
const askedToWait: readonly ChannelDocument["reason"][] = ["rate_limited", "replaced"];

/**
 * Decides by the wish, not by the last status, whether the channel reconnects. A pairing that the last owner did not
 * finish is not resumed: its code died with the socket. `now` is in ms since the epoch.
 */
export function initialState(
  channel: Pick<ChannelDocument, "status" | "reason" | "wanted" | "retryAt">,
  isLinked: boolean,
  now: number,
): InitialState {
  const { status, reason, wanted, retryAt } = channel;
  const base = { mustAnnounce: false, mustConnect: false, retryInMs: null };
  if (wanted === "disconnected") {
    const rest = resting.find((state) => state === status);
    if (rest) return { ...base, machine: newMachine(rest, reason) };
    return { ...base, machine: newMachine("inactive", "disconnected"), mustAnnounce: true };
  }
  // When a phone unlinks, the credentials are erased first; an owner that died right after did not publish it.
  if (!isLinked && status === "active") {
    return { ...base, machine: newMachine("logged_out", "unlinked_by_phone"), mustAnnounce: true };
  }
  if (!isLinked && pairing.includes(status)) {
    return { ...base, machine: newMachine("inactive", "interrupted"), mustAnnounce: true };
  }
  const retryInMs = (retryAt?.getTime() ?? 0) - now;
  if (isLinked && retryInMs > 0 && status === "connecting" && askedToWait.includes(reason)) {
    const machine = { ...newMachine("waiting", reason), retryAt: now + retryInMs };
    return { ...base, machine, retryInMs };
  }
  return { ...base, machine: newMachine("inactive"), mustConnect: true };
}
