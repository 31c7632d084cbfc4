/** Runs tasks one after the other. A failing task is reported and does not stop the next. */
export interface SerialQueue {
  push(task: () => Promise<void>): void;
  /** Resolves when every task pushed so far has run. */
  idle(): Promise<void>;
}

export function createSerialQueue(onError: (error: unknown) => void): SerialQueue {
  let last: Promise<void> = Promise.resolve();
  return {
    push(task) {
      last = last.then(task).catch(onError);
    },
    idle: () => last,
  };
}
