/** Channels that another connector should take: if none does within the grace, whoever remembers them may. */
export interface GracePeriod {
  note(channelId: string, now: number): void;
  /** Those whose grace is over; they are forgotten. */
  due(now: number): string[];
}

const notedMax = 10_000;

/** `now` is monotonic, in ms. What does not fit any more is found again by the sweep. */
export function createGracePeriod(graceMs: number): GracePeriod {
  const noted = new Map<string, number>();
  return {
    note(channelId, now) {
      if (!noted.has(channelId) && noted.size < notedMax) noted.set(channelId, now);
    },
    due(now) {
      const over = [...noted].filter(([, since]) => now - since >= graceMs).map(([channelId]) => channelId);
      for (const channelId of over) noted.delete(channelId);
      return over;
    },
  };
}
