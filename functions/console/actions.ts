import type { Accepted, Api, Control, MediaDraft, TextDraft } from "./api.ts";
import { unsettled } from "./channel-view.ts";
import { outcomeOfCommand } from "./outcome.ts";
import { asRequestError } from "./request-error.ts";
import type { Store } from "./store.ts";

/** What a person can do here, and what the page does for them. Each rejects with a `RequestError`. */
export function createActions(api: Api, store: Store, now: () => number) {
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

  async function refresh(channelId: string): Promise<void> {
    dispatch({ type: "channel", channel: await api.channel(channelId) });
  }

  async function control(channelId: string, call: Promise<Control>): Promise<void> {
    dispatch({ type: "asked", channelId, isStored: (await call) === "stored" });
    // What was asked for is done or stored; failing to look again takes nothing from that.
    await refresh(channelId).catch(() => {});
  }

  function keep(channelId: string, draft: TextDraft | MediaDraft, answer: Accepted): void {
    const media = "mediaUrl" in draft ? { type: draft.mediaType, url: draft.mediaUrl } : null;
    const text = "message" in draft ? draft.message : (draft.caption ?? "");
    const { messageId, commandId, status } = answer;
    const outcome = { status, failure: null };
    dispatch({
      type: "sent",
      channelId,
      message: {
        kind: "own",
        id: messageId,
        messageId,
        commandId,
        to: draft.to,
        text,
        media,
        outcome,
        at: now(),
      },
    });
  }

  return {
    loadChannels,
    refresh,
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
    async createChannel(draft: { name: string; phoneNumber?: string }): Promise<string> {
      const channel = await api.createChannel(draft);
      dispatch({ type: "channel", channel });
      return channel.channelId;
    },
    connect: (channelId: string) => control(channelId, api.connect(channelId)),
    requestPairingCode: (channelId: string, phoneNumber: string) =>
      control(channelId, api.requestPairingCode(channelId, phoneNumber)),
    disconnect: (channelId: string) => control(channelId, api.disconnect(channelId)),
    logout: (channelId: string) => control(channelId, api.logout(channelId)),
    async remove(channelId: string): Promise<void> {
      await api.remove(channelId);
      dispatch({ type: "removed", channelId });
    },
    async sendText(channelId: string, draft: TextDraft): Promise<void> {
      keep(channelId, draft, await api.sendText(channelId, draft));
    },
    async sendMedia(channelId: string, draft: MediaDraft): Promise<void> {
      keep(channelId, draft, await api.sendMedia(channelId, draft));
    },
    /** After a time without events: asks what became of the messages written here. */
    async settle(channelId: string): Promise<void> {
      const channel = store.state.channels.find((it) => it.channelId === channelId);
      for (const { messageId, commandId } of channel ? unsettled(channel) : []) {
        const { state, error } = await api.command(commandId);
        dispatch({ type: "outcome", channelId, messageId, outcome: outcomeOfCommand(state, error ?? null) });
      }
    },
  };
}

export type Actions = ReturnType<typeof createActions>;
