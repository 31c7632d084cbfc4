import { errorTrace } from "#shared/error-trace.ts";
import type { Logger } from "#shared/log.ts";
import type { WASocket } from "./baileys.ts";

/**
 * Keeps a stanza that a listener of Baileys cannot handle from the other stanzas. Baileys emits each stanza inside its loop
 * over the received frames, so that an exception ends the loop: a presence without content is enough. Its asynchronous
 * listeners have nobody who hears that they failed: an answer that meets a closed socket is enough.
 */
export function guardListeners({ ws }: Pick<WASocket, "ws">, log: Logger): void {
  const dropped = (error: unknown) => {
    const level = ws.isOpen ? "warn" : "debug";
    log[level]({ event: "stanza", ...errorTrace(error) }, "stanza dropped: it cannot be handled");
  };
  const emit = ws.emit.bind(ws);
  ws.emit = (event: string | symbol, ...values: unknown[]) => {
    const listeners = ws.rawListeners(event);
    if (listeners.length === 0) return emit(event, ...values);
    for (const listener of listeners) {
      try {
        const outcome: unknown = Reflect.apply(listener, ws, values);
        if (outcome instanceof Promise) outcome.catch(dropped);
      } catch (error) {
        dropped(error);
      }
    }
    return true;
  };
}
