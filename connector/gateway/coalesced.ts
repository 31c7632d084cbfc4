/**
 * Makes a call that runs `work` once at a time: calls that come while it runs are answered by one more run. The
 * promise settles when nothing is left to run. `work` must not reject.
 */
export function coalesced(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | null = null;
  let isAsked = false;
  async function run(): Promise<void> {
    while (isAsked) {
      isAsked = false;
      await work();
    }
    running = null;
  }
  return () => {
    isAsked = true;
    running ??= run();
    return running;
  };
}
