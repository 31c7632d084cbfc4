import type { WASocket } from "../baileys/baileys.ts";
import { probeQueue } from "../baileys/queue-probe.ts";
import { rawSocket } from "./raw-socket.ts";

/** How much of what a socket delivered may be unhandled before it is held back: bytes on the wire plus 1 KB a stanza. */
const waitingMax = 8 * 1024 * 1024;
/** So much is waited for together. */
const lotMax = 256 * 1024;
const stanzaCost = 1_024;

/**
 * Stops reading from WhatsApp while too much of what it delivered is unhandled, and goes on when half of that is. Otherwise
 * whoever sends faster than we can decrypt and publish fills our memory: Baileys' queues have no bound. `allDone` resolves when
 * what Baileys has handled so far is in the event log, or answered.
 */
export function holdBack(wa: WASocket, allDone: () => Promise<unknown>): void {
  let unreadBytes = 0;
  let waiting = 0;
  let lot = 0;

  const handled = async () => {
    // The frame is announced before Baileys queues it.
    await new Promise(setImmediate);
    await Promise.all([
      probeQueue(wa),
      wa.messageMutex.mutex(nothing),
      wa.receiptMutex.mutex(nothing),
      wa.notificationMutex.mutex(nothing),
    ]);
    await allDone();
  };
  const release = (weight: number) => {
    waiting -= weight;
    const socket = rawSocket(wa);
    if (socket?.isPaused && waiting <= waitingMax / 2) socket.resume();
  };
  wa.ws.on("message", (data: unknown) => {
    unreadBytes += data instanceof Uint8Array ? data.byteLength : 0;
  });
  wa.ws.on("frame", () => {
    lot += unreadBytes + stanzaCost;
    waiting += unreadBytes + stanzaCost;
    unreadBytes = 0;
    if (lot < lotMax) return;
    const weight = lot;
    lot = 0;
    if (waiting > waitingMax) rawSocket(wa)?.pause();
    // A failure ends the socket or the session, and nothing waits for either here.
    handled().then(() => release(weight), nothing);
  });
}

const nothing = async () => undefined;
