import { errorTrace } from "#shared/error-trace.ts";
import type { Logger } from "#shared/log.ts";
import type { WASocket } from "./baileys.ts";

type Emit = (event: string | symbol, ...values: unknown[]) => boolean;

/**
 * Keeps a stanza that a listener of Baileys cannot handle from holding up the next ones. Baileys emits each stanza inside its
 * loop over the received frames, so that an exception ends the loop: a presence without content is enough.
 */
export function guardListeners({ ws }: Pick<WASocket, "ws">, log: Logger): void {
  const emit: Emit = ws.emit.bind(ws);
  ws.emit = (event: string | symbol, ...values: unknown[]) => {
    try {
      return emit(event, ...values);
    } catch (error) {
      log.warn({ event: "stanza", ...errorTrace(error) }, "stanza dropped: it cannot be handled");
      return true;
    }
  };
}
