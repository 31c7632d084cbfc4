import type { ChannelDocument, UnlinkCause } from "#shared/collections.ts";
import { type MachineState, newMachine } from "./machine.ts";
import { resumedUnlink } from "./unlink-transitions.ts";

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

/** No wait is longer, whatever clock the last owner had. */
const waitMsMax = 24 * 60 * 60_000;

/** To WhatsApp a new owner is the same client, so a restart must not cut these waits short. */
const askedToWait: readonly (string | null)[] = ["rate_limited", "replaced", "temporarily_banned"];

/**
 * Decides by the wish, not by the last status, whether the channel reconnects. A pairing that the last owner did not
 * finish is not resumed: its code died with the socket. `now` is in ms since the epoch.
 */
export function initialState(
  channel: Pick<ChannelDocument, "status" | "reason" | "wanted" | "retryAt" | "lastDisconnect" | "unlink">,
  isLinked: boolean,
  now: number,
): InitialState {
  const { status, reason, wanted, retryAt, lastDisconnect, unlink } = channel;
  const base = { mustAnnounce: false, mustConnect: false, retryInMs: null };
  const waitsFor = reason === "unlinking" ? (lastDisconnect?.reason ?? null) : reason;
  const isWaiting = status === "connecting" && askedToWait.includes(waitsFor);
  const waitMs = isWaiting ? clamp((retryAt?.getTime() ?? 0) - now, waitMsMax) : 0;
  if (unlink) {
    if (!isLinked) return { ...base, machine: unlinked(unlink.cause), mustAnnounce: true };
    const machine = resumedUnlink({ cause: unlink.cause, since: unlink.since.getTime() }, now + waitMs);
    return { ...base, machine, retryInMs: waitMs };
  }
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
  if (isLinked && waitMs > 0) {
    const machine = { ...newMachine("waiting", reason), retryAt: now + waitMs };
    return { ...base, machine, retryInMs: waitMs };
  }
  return { ...base, machine: newMachine("inactive"), mustConnect: true };
}

/** The last owner erased the credentials, as WhatsApp had confirmed it, and died before it could store that. */
function unlinked(cause: UnlinkCause): MachineState {
  return cause === "wrong_number"
    ? newMachine("error", "wrong_number")
    : newMachine("logged_out", "unlinked_by_api");
}

function clamp(ms: number, max: number): number {
  return Math.min(Math.max(ms, 0), max);
}
