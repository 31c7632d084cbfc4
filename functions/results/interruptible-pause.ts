/** A pause that can be cut short. A ring that comes before the pause is not lost: the next one ends at once. */
export interface InterruptiblePause {
  interrupt(): void;
  /** Resolves when rung, at the latest after `ms`. One at a time. */
  pause(ms: number): Promise<void>;
}

/** An alarm that has not rung. */
export function createInterruptiblePause(): InterruptiblePause {
  let isRung = false;
  let wake: (() => void) | null = null;
  return {
    interrupt() {
      isRung = true;
      wake?.();
    },
    async pause(ms) {
      if (!isRung) await new Promise<void>((resolve) => sleepUntilWoken(resolve));
      isRung = false;
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
