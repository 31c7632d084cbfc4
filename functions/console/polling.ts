import type { Store } from "./store.ts";

/**
 * Polls the open channel while there is no live connection, one poll at a time, and reports failed polls to the store.
 * Returns a function that stops it.
 */
export function pollWithoutLink(
  store: Store,
  openChannel: () => string | null,
  poll: (channelId: string) => Promise<void>,
  everyMs: number,
): () => void {
  let isPolling = false;

  async function pollOnce(): Promise<void> {
    const { session, link, channels } = store.state;
    const channelId = openChannel();
    const isShown = channels.some((it) => it.channelId === channelId);
    if (isPolling || session !== "signed_in" || link === "live" || channelId === null || !isShown) return;
    isPolling = true;
    await poll(channelId).catch(() => store.dispatch({ type: "poll_failed" }));
    isPolling = false;
  }

  const timer = setInterval(() => void pollOnce(), everyMs);
  return () => clearInterval(timer);
}
