/** A pause that can be cut short. An interrupt before a pause is not lost: the next pause ends at once. */
export interface InterruptiblePause {
  interrupt(): void;
  /** Resolves when interrupted, at the latest after `ms`. Supports one pause at a time. */
  pause(ms: number): Promise<void>;
}

export function createInterruptiblePause(): InterruptiblePause {
  let isInterrupted = false;
  let wake: (() => void) | null = null;
  return {
    interrupt() {
      isInterrupted = true;
      wake?.();
    },
    async pause(ms) {
      if (!isInterrupted) await new Promise<void>((resolve) => sleepUntilWoken(resolve));
      isInterrupted = false;
      wake = null;

      function sleepUntilWoken(resolve: () => void): void {
        const timer = setTimeout(resolve, ms);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      }
    },
  };
}
