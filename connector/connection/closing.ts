import type { Logger } from "#shared/log.ts";
import type { CurrentSocket } from "./current-socket.ts";
import type { ChannelSocket } from "./socket.ts";

/** Ends a connection's socket, which stops being the current one at once. */
export interface Closing {
  /** Ends the socket politely and waits for it; without one, waits for a socket that is still closing. */
  close(): Promise<void>;
  /** Removes this device at WhatsApp, if the socket still works, and closes. */
  unlink(): Promise<void>;
  /** Ends the socket at once, and one that is still closing. */
  terminate(): void;
}

const unlinkAckMs = 5_000;

export function createClosing(current: Pick<CurrentSocket, "forget">, log: Logger): Closing {
  /** A closing socket still receives messages and would acknowledge ones that can no longer be kept. */
  let closing: ChannelSocket | null = null;

  return {
    async close() {
      closing = current.forget() ?? closing;
      await closing?.close();
    },
    async unlink() {
      const last = current.forget();
      if (!last) return;
      closing = last;
      const loggedOut = last.wa
        .logout()
        .catch(() => log.warn({ event: "unlink" }, "device not removed at WhatsApp"));
      await Promise.race([loggedOut, new Promise((resolve) => setTimeout(resolve, unlinkAckMs).unref())]);
      await last.close();
    },
    terminate() {
      closing?.terminate();
      current.forget()?.terminate();
    },
  };
}
