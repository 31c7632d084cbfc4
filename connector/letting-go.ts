import type { Machine } from "./machine.ts";

/** Whether letting go loses nothing: not connected, and not about to be. */
export function isIdle({ state, reason }: Machine): boolean {
  // The next owner would find the same, and say it again.
  if (reason === "credentials_unreadable") return false;
  return state === "inactive" || state === "error" || state === "logged_out";
}

/** Whether another connector could go on where this one stops: neither pairing nor between two connections. */
export function isMovable({ state }: Machine): boolean {
  return state === "active";
}
