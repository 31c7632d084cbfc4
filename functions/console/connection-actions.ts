import type { Control } from "./answers.ts";
import type { Api } from "./api.ts";
import { asRequestError } from "./request-error.ts";
import type { Store } from "./store.ts";

/** A channel's life: made, linked, connected, taken down. */
export function connectionActions(api: Api, store: Store) {
  const { dispatch } = store;

  async function refresh(channelId: string): Promise<void> {
    dispatch({ type: "channel", channel: await api.channel(channelId) });
  }

  async function asked(channelId: string, control: Control): Promise<void> {
    dispatch({ type: "asked", channelId, isStored: control === "stored" });
    // What was asked for is done or stored; failing to look again takes nothing from that.
    await refresh(channelId).catch(() => {});
  }

  const statusOf = (channelId: string) =>
    store.state.channels.find((it) => it.channelId === channelId)?.status;

  async function refreshQr(channelId: string): Promise<void> {
    try {
      const pairing = await api.qr(channelId);
      // Events know the codes better.
      if (store.state.link !== "live") dispatch({ type: "pairing", channelId, pairing });
    } catch (cause) {
      // Between two codes there is none.
      if (asRequestError(cause).code !== "qr_not_available") throw cause;
    }
  }

  return {
    refresh,
    /** For a page without events: where the channel stands now, and the QR it may wait with. */
    async refreshWithoutEvents(channelId: string): Promise<void> {
      const before = statusOf(channelId);
      await refresh(channelId);
      const status = statusOf(channelId);
      if (status !== before) dispatch({ type: "asked", channelId, isStored: false });
      if (status === "qr_ready") await refreshQr(channelId);
    },
    async createChannel(draft: { name: string; phoneNumber?: string }): Promise<string> {
      const channel = await api.createChannel(draft);
      dispatch({ type: "channel", channel });
      return channel.channelId;
    },
    connect: async (channelId: string) => asked(channelId, await api.connect(channelId)),
    disconnect: async (channelId: string) => asked(channelId, await api.disconnect(channelId)),
    logout: async (channelId: string) => asked(channelId, await api.logout(channelId)),
    async requestPairingCode(channelId: string, phoneNumber: string): Promise<void> {
      // Before the call: the event with the code can come before its answer.
      dispatch({ type: "code_asked", channelId, phoneNumber });
      const { control, code } = await api.requestPairingCode(channelId, phoneNumber);
      if (code) dispatch({ type: "pairing", channelId, pairing: code });
      await asked(channelId, control);
    },
    async remove(channelId: string): Promise<void> {
      await api.remove(channelId);
      dispatch({ type: "removed", channelId });
    },
  };
}
