/** The sends that later ones overtook, by chat, until each has ended. */
export interface SetAside {
  /** Counts `work` until it settles. Its errors go to `onError`. Resolves when there is room for one more. */
  add(chat: string, work: Promise<void>): Promise<void>;
  /** Whether a send to this chat is set aside. */
  has(chat: string): boolean;
  /** Resolves when none is. */
  idle(): Promise<void>;
}

const sendsMax = 256;

export function createSetAside(onError: (error: unknown) => void): SetAside {
  const running = new Map<Promise<void>, string>();
  return {
    async add(chat, work) {
      const counted = work.catch(onError).finally(() => running.delete(counted));
      running.set(counted, chat);
      if (running.size >= sendsMax) await Promise.race(running.keys());
    },
    has: (chat) => running.values().some((other) => other === chat),
    async idle() {
      while (running.size > 0) await Promise.all(running.keys());
    },
  };
}
