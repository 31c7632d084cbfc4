import type { Logger } from "#shared/log.ts";
import type { CurrentSocket } from "./current-socket.ts";
import type { ChannelSocket } from "./socket.ts";

/** How a line parts with its socket, which is a former one from then on. */
export interface Closing {
  /** Ends it politely and waits for it; when there is none, for one that is leaving still. */
  close(): Promise<void>;
  /** Removes this device at WhatsApp, as far as the socket still carries it, and closes. */
  unlink(): Promise<void>;
  /** Ends it at once, and what is leaving still. */
  terminate(): void;
}

const unlinkMs = 5_000;

export function createClosing(sole: Pick<CurrentSocket, "forget">, log: Logger): Closing {
  /** One that says goodbye still hears, and would answer for what can no longer be kept. */
  let leaving: ChannelSocket | null = null;

  return {
    async close() {
      leaving = sole.forget() ?? leaving;
      await leaving?.close();
    },
    async unlink() {
      const last = sole.forget();
      if (!last) return;
      leaving = last;
      const told = last.wa.logout().catch(() => log.warn({ event: "unlink" }, "WhatsApp was not told"));
      await Promise.race([told, new Promise((resolve) => setTimeout(resolve, unlinkMs).unref())]);
      await last.close();
    },
    terminate() {
      leaving?.terminate();
      sole.forget()?.terminate();
    },
  };
}
