import { networkInsideLock } from "#connector/baileys/key-transactions.ts";

/** Fails its disposal if anything in this process wrote to WhatsApp inside a channel's lock meanwhile. */
export function lockGuard(): Disposable {
  let frames = 0;
  const count = () => frames++;
  networkInsideLock.subscribe(count);
  return {
    [Symbol.dispose]() {
      networkInsideLock.unsubscribe(count);
      if (frames > 0) throw new Error(`${frames} frames were written inside a channel's lock`);
    },
  };
}
