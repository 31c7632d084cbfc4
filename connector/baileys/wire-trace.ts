import { AsyncLocalStorage } from "node:async_hooks";

/** How far a relay came. */
interface Trace {
  isEncrypted: boolean;
  isOnWire: boolean;
}

const traces = new AsyncLocalStorage<Trace>();

/**
 * Baileys' `relayMessage` can fail before the stanza left or after; only the former may be repeated freely. A relay
 * runs in an async context of its own: encryption marks it, and the first frame written after that is the stanza.
 */
export function markEncrypted(): void {
  const trace = traces.getStore();
  if (trace) trace.isEncrypted = true;
}

/** Called for every frame that is handed to the websocket. */
export function markWritten(): void {
  const trace = traces.getStore();
  if (trace?.isEncrypted) trace.isOnWire = true;
}

/** Runs a relay. Rejects with what it rejected with, and whether the stanza may have left. */
export async function traceRelay(
  relay: () => Promise<unknown>,
): Promise<{ isOnWire: boolean; error?: unknown }> {
  const trace: Trace = { isEncrypted: false, isOnWire: false };
  try {
    await traces.run(trace, relay);
    return { isOnWire: true };
  } catch (error) {
    return { isOnWire: trace.isOnWire, error };
  }
}
