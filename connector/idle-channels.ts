/** Finds channels that have been idle for so long that their owner should release them. */
export interface IdleChannels {
  /**
   * Notes which channels are idle now, and forgets all others. Returns those that are due; each starts over, so that one that
   * is taken again at once is not released again at once. `now` is monotonic, in ms.
   */
  due(idle: readonly string[], now: number): string[];
}

export function createIdleChannels(releaseMs: number): IdleChannels {
  let since = new Map<string, number>();

  return {
    due(idle, now) {
      since = new Map(idle.map((channelId) => [channelId, since.get(channelId) ?? now]));
      const due = idle.filter((channelId) => now - (since.get(channelId) ?? now) >= releaseMs);
      for (const channelId of due) since.delete(channelId);
      return due;
    },
  };
}
