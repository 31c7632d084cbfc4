import type { Api } from "./api.ts";
import { asRequestError } from "./request-error.ts";
import type { Store } from "./store.ts";

/** Signs in and out, and loads the channel list, whose response shows whether the user is signed in. */
export function sessionActions(api: Api, store: Store) {
  const { dispatch } = store;

  async function loadChannels(): Promise<void> {
    dispatch({ type: "listing" });
    try {
      dispatch({ type: "listed", list: await api.channels(), isMore: false });
    } catch (cause) {
      const error = asRequestError(cause);
      if (error.status !== 401) dispatch({ type: "listing_failed", error });
    }
  }

  return {
    loadChannels,
    async loadMore(): Promise<void> {
      dispatch({ type: "listed", list: await api.channels(store.state.nextCursor), isMore: true });
    },
    async signIn(apiKey: string): Promise<void> {
      await api.signIn(apiKey);
      await loadChannels();
    },
    async signOut(): Promise<void> {
      await api.signOut();
      dispatch({ type: "signed_out" });
    },
  };
}
