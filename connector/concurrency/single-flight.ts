/**
 * A look that runs once at a time. Who asks while one runs gets the next one, since what it asks for may have come after
 * the present one has looked; all who ask meanwhile share it.
 */
export function singleFlight(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | null = null;
  let next: Promise<void> | null = null;
  const start = (): Promise<void> => {
    next = null;
    const mine = work().finally(() => {
      if (running === mine && !next) running = null;
    });
    running = mine;
    return mine;
  };
  return () => {
    if (!running) return start();
    next ??= running.then(start, start);
    return next;
  };
}
