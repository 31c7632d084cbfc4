import type { CurrentSocket } from "./current-socket.ts";
import type { ChannelSocket } from "./socket.ts";

/** Ends a connection's socket, which stops being the current one at once. */
export interface Closing {
  /** Ends the socket politely and waits for it; without one, waits for a socket that is still closing. */
  close(): Promise<void>;
  /** Ends the socket at once, and one that is still closing. */
  terminate(): void;
}

export function createClosing(current: Pick<CurrentSocket, "forget">): Closing {
  /** A closing socket still receives messages and would acknowledge ones that can no longer be kept. */
  let closing: ChannelSocket | null = null;

  return {
    async close() {
      closing = current.forget() ?? closing;
      await closing?.close();
    },
    terminate() {
      closing?.terminate();
      current.forget()?.terminate();
    },
  };
}
