import type { Api } from "./api.ts";
import { connectionActions } from "./connection-actions.ts";
import { sendingActions } from "./sending-actions.ts";
import { sessionActions } from "./session-actions.ts";
import type { Store } from "./store.ts";

/** Everything a person, or the page on its own, can do. Each action rejects with a `RequestError`. */
export function createActions(api: Api, store: Store, now: () => number) {
  const connection = connectionActions(api, store);
  const sending = sendingActions(api, store, now);
  return {
    ...sessionActions(api, store),
    ...connection,
    ...sending,
    dismissNotice: () => store.dispatch({ type: "noticed", notice: null }),
    /** Fetches what the channel's events would have reported. */
    async poll(channelId: string): Promise<void> {
      await connection.refreshWithoutEvents(channelId);
      await sending.refreshOutcomes(channelId);
    },
  };
}

export type Actions = ReturnType<typeof createActions>;
