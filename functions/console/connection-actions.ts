import type { Control } from "./answers.ts";
import type { Api } from "./api.ts";
import { asRequestError } from "./request-error.ts";
import type { Store } from "./store.ts";

/** Says what is left to do after a channel was deleted; null if nothing. */
function removalNotice(name: string, control: Control): string | null {
  if (control === "done") return null;
  const what =
    control === "stored"
      ? "no connector is running to unlink its phone"
      : "WhatsApp has not confirmed yet that its phone is unlinked";
  return `“${name}” is deleted, but ${what}. Waypost goes on trying; if it stays under Linked devices on the phone, remove it there.`;
}

/** Creates, links, connects, disconnects, logs out and deletes channels. */
export function connectionActions(api: Api, store: Store) {
  const { dispatch } = store;

  async function refresh(channelId: string): Promise<void> {
    dispatch({ type: "channel", channel: await api.channel(channelId) });
  }

  async function requested(channelId: string, control: Control): Promise<void> {
    dispatch({ type: "requested", channelId, control });
    // The command is executed or stored, even if the refresh fails.
    await refresh(channelId).catch(() => {});
  }

  const statusOf = (channelId: string) =>
    store.state.channels.find((it) => it.channelId === channelId)?.status;

  async function refreshQr(channelId: string): Promise<void> {
    try {
      const pairing = await api.qr(channelId);
      // A live page gets newer codes from events.
      if (store.state.link !== "live") dispatch({ type: "pairing", channelId, pairing });
    } catch (cause) {
      // There is a moment without a code between two codes.
      if (asRequestError(cause).code !== "qr_not_available") throw cause;
    }
  }

  return {
    refresh,
    /** For a page without events: fetches the channel and, if one is waiting, its QR. */
    async refreshWithoutEvents(channelId: string): Promise<void> {
      const before = statusOf(channelId);
      await refresh(channelId);
      const status = statusOf(channelId);
      if (status !== before) dispatch({ type: "requested", channelId, control: "done" });
      if (status === "qr_ready") await refreshQr(channelId);
    },
    async createChannel(draft: { name: string; phoneNumber?: string }): Promise<string> {
      const channel = await api.createChannel(draft);
      dispatch({ type: "channel", channel });
      return channel.channelId;
    },
    connect: async (channelId: string) => requested(channelId, await api.connect(channelId)),
    disconnect: async (channelId: string) => requested(channelId, await api.disconnect(channelId)),
    logout: async (channelId: string) => requested(channelId, await api.logout(channelId)),
    async requestPairingCode(channelId: string, phoneNumber: string): Promise<void> {
      // Dispatch before the call: the event with the code can overtake the response.
      dispatch({ type: "code_requested", channelId, phoneNumber });
      const { control, code } = await api.requestPairingCode(channelId, phoneNumber);
      if (code) dispatch({ type: "pairing", channelId, pairing: code });
      await requested(channelId, control);
    },
    async remove(channelId: string): Promise<void> {
      const name = store.state.channels.find((it) => it.channelId === channelId)?.name ?? "The channel";
      const control = await api.remove(channelId);
      dispatch({ type: "removed", channelId });
      dispatch({ type: "noticed", notice: removalNotice(name, control) });
    },
  };
}
