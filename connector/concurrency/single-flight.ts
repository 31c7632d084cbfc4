/**
 * Makes a function that runs `work` one at a time. A call during a run gets the next run, because that one may have started
 * too early to see what the caller asks for; all calls during a run share the next.
 */
export function singleFlight(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | null = null;
  let next: Promise<void> | null = null;
  const start = (): Promise<void> => {
    next = null;
    const started = work().finally(() => {
      if (running === started && !next) running = null;
    });
    running = started;
    return started;
  };
  return () => {
    if (!running) return start();
    next ??= running.then(start, start);
    return next;
  };
}
