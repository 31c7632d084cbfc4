import type { EventData, LastDisconnect } from "#shared/events.ts";
import { type MachineState, publicStatus } from "./machine.ts";

/** The data of the event that reports a changed status to callers. */
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
