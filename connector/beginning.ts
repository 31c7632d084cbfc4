import type { ChannelDocument } from "../shared/collections.ts";
import { type Machine, newMachine } from "./machine.ts";

/** Where a channel stands when an owner takes it over. */
export interface Beginning {
  machine: Machine;
  /** Whether callers have not been told that yet. */
  isNews: boolean;
  /** Whether to connect right away. */
  isWanted: boolean;
}

const resting = ["inactive", "error", "logged_out"] as const;
const pairing: readonly ChannelDocument["status"][] = ["connecting", "qr_ready", "pairing_code_ready"];

/**
 * The wish, not the last status, decides what is connected again. A pairing that the last owner did not finish is not
 * taken up: its code died with the socket.
 */
export function beginning(
  channel: Pick<ChannelDocument, "status" | "reason" | "wanted">,
  isLinked: boolean,
): Beginning {
  const { status, reason, wanted } = channel;
  if (wanted === "connected" && !isLinked && pairing.includes(status)) {
    return { machine: newMachine("inactive", "interrupted"), isNews: true, isWanted: false };
  }
  if (wanted === "connected") return { machine: newMachine("inactive"), isNews: false, isWanted: true };
  const rest = resting.find((state) => state === status);
  if (rest) return { machine: newMachine(rest, reason), isNews: false, isWanted: false };
  return { machine: newMachine("inactive", "disconnected"), isNews: true, isWanted: false };
}
