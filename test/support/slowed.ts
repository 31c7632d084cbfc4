import type { Socket } from "node:net";

const heldBytesMax = 4 * 1024 * 1024;

/** Passes on what `from` says to `to`, each piece so many milliseconds late and in order; both end together. */
export function slowed(from: Socket, to: Socket, delayMs: () => number): void {
  let lastAt = 0;
  let heldBytes = 0;
  const later = (work: () => void) => {
    const now = performance.now();
    lastAt = Math.max(lastAt, now + delayMs());
    if (lastAt <= now) work();
    else setTimeout(work, lastAt - now);
  };
  from.on("data", (piece: Buffer) => {
    heldBytes += piece.length;
    if (heldBytes > heldBytesMax) from.pause();
    later(() => {
      heldBytes -= piece.length;
      if (!to.destroyed) to.write(piece);
      if (heldBytes <= heldBytesMax && from.isPaused() && from.listenerCount("data") > 0) from.resume();
    });
  });
  from.once("close", () => to.destroy());
}
