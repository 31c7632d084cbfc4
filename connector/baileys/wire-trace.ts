import { AsyncLocalStorage } from "node:async_hooks";

/** How far a relay has progressed. */
interface Trace {
  isEncrypted: boolean;
  isOnWire: boolean;
}

const traces = new AsyncLocalStorage<Trace>();

/**
 * Marks the current relay as encrypted. Baileys' `relayMessage` can fail before or after the stanza has left, and only
 * in the former case is it safe to repeat. A relay runs in an async context of its own: encryption marks it, and the
 * first frame written after that is the stanza.
 */
export function markEncrypted(): void {
  const trace = traces.getStore();
  if (trace) trace.isEncrypted = true;
}

/** Called for every frame handed to the websocket. */
export function markWritten(): void {
  const trace = traces.getStore();
  if (trace?.isEncrypted) trace.isOnWire = true;
}

/** Runs a relay. Resolves to its error, if it failed, and to whether the stanza may have left. Never rejects. */
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
