import type { Api } from "./api.ts";
import { connectionActions } from "./connection-actions.ts";
import { sendingActions } from "./sending-actions.ts";
import { sessionActions } from "./session-actions.ts";
import type { Store } from "./store.ts";

/** What a person can do here, and what the page does for them. Each rejects with a `RequestError`. */
export function createActions(api: Api, store: Store, now: () => number) {
  const connection = connectionActions(api, store);
  const sending = sendingActions(api, store, now);
  return {
    ...sessionActions(api, store),
    ...connection,
    ...sending,
    /** Asks for what events of the channel would have told. */
    async lookAt(channelId: string): Promise<void> {
      await connection.refreshWithoutEvents(channelId);
      await sending.settle(channelId);
    },
  };
}

export type Actions = ReturnType<typeof createActions>;
