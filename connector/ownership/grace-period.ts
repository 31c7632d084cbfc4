/** Channels that another connector should take. If it does not within the grace period, this one may. */
export interface GracePeriod {
  note(channelId: string, now: number): void;
  /** Removes and returns the channels whose grace period is over. */
  due(now: number): string[];
}

const notedMax = 10_000;

/** `now` is monotonic, in ms. A channel beyond the limit is not noted: the sweep finds it again. */
export function createGracePeriod(graceMs: number): GracePeriod {
  const noted = new Map<string, number>();
  return {
    note(channelId, now) {
      if (!noted.has(channelId) && noted.size < notedMax) noted.set(channelId, now);
    },
    due(now) {
      const due = [...noted].filter(([, since]) => now - since >= graceMs).map(([channelId]) => channelId);
      for (const channelId of due) noted.delete(channelId);
      return due;
    },
  };
}
