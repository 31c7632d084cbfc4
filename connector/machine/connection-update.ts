import type { EventData, LastDisconnect } from "#shared/events.ts";
import { type MachineState, publicStatus } from "./machine.ts";

/** What callers are told when a channel's status changed. */
export function connectionUpdate(
  machine: MachineState,
  lastDisconnect: LastDisconnect | null,
): EventData["connection_update"] {
  const { reason, retryAt } = machine;
  return {
    status: publicStatus(machine),
    ...(reason ? { reason } : {}),
    ...(retryAt === null ? {} : { retryAt: new Date(retryAt).toISOString() }),
    ...(lastDisconnect ? { lastDisconnect } : {}),
  };
}
