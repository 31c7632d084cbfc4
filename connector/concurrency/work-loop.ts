/** Runs async work: in order, by key, one pass at a time, at a rate, until a signal aborts or a condition holds. */

export interface WorkLoopOptions {
  /** Checked before each pass. */
  mayWork(): boolean;
  /** One pass over everything there is to do. */
  pass(): Promise<void>;
  /** Receives what a pass throws; the loop goes on. */
  onError(error: unknown): void;
}

/** Runs a pass when rung, one at a time; rings during a pass are answered by one more. */
export interface WorkLoop {
  ring(): void;
  /** Whether a pass may begin, or go on: false from `stop`. */
  mayWork(): boolean;
  /** Whether it waits to be rung. */
  isIdle(): boolean;
  /** Begins no further pass. Resolves when the running one has ended. */
  stop(): Promise<void>;
}

export function createWorkLoop({ mayWork, pass, onError }: WorkLoopOptions): WorkLoop {
  let isRung = false;
  let isStopping = false;
  let running: Promise<void> | null = null;

  const run = async () => {
    while (isRung && !isStopping && mayWork()) {
      isRung = false;
      await pass().catch(onError);
    }
    running = null;
  };

  return {
    ring() {
      isRung = true;
      running ??= Promise.resolve().then(run);
    },
    mayWork: () => !isStopping && mayWork(),
    isIdle: () => !isStopping && running === null,
    async stop() {
      isStopping = true;
      await running;
    },
  };
}
