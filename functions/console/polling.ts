import type { Store } from "./store.ts";

/**
 * Looks at the open channel now and then while no events come; one look at a time. A look that fails is as good as none.
 * Returns how to stop.
 */
export function pollWithoutLink(
  store: Store,
  openChannel: () => string | null,
  lookAt: (channelId: string) => Promise<void>,
  everyMs: number,
): () => void {
  let isLooking = false;

  async function look(): Promise<void> {
    const { session, link, channels } = store.state;
    const channelId = openChannel();
    const isShown = channels.some((it) => it.channelId === channelId);
    if (isLooking || session !== "signed_in" || link === "live" || channelId === null || !isShown) return;
    isLooking = true;
    await lookAt(channelId).catch(() => {});
    isLooking = false;
  }

  const timer = setInterval(() => void look(), everyMs);
  return () => clearInterval(timer);
}
