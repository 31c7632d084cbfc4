import type { Socket } from "node:net";

const heldBytesMax = 4 * 1024 * 1024;

/** Pipes `from` into `to`, each chunk delayed by `delayMs()` and in order. When `from` closes, `to` is destroyed. */
export function delayedPipe(from: Socket, to: Socket, delayMs: () => number): void {
  let lastAt = 0;
  let heldBytes = 0;
  const later = (work: () => void) => {
    const now = performance.now();
    lastAt = Math.max(lastAt, now + delayMs());
    if (lastAt <= now) work();
    else setTimeout(work, lastAt - now);
  };
  from.on("data", (chunk: Buffer) => {
    heldBytes += chunk.length;
    if (heldBytes > heldBytesMax) from.pause();
    later(() => {
      heldBytes -= chunk.length;
      if (!to.destroyed) to.write(chunk);
      if (heldBytes <= heldBytesMax && from.isPaused() && from.listenerCount("data") > 0) from.resume();
    });
  });
  from.once("close", () => to.destroy());
}
