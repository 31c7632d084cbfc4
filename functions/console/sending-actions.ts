import type { Accepted } from "./answers.ts";
import type { Api, MediaDraft, TextDraft } from "./api.ts";
import { type OwnMessage, unsettled } from "./channel-view.ts";
import { outcomeOfCommand } from "./outcome.ts";
import type { Store } from "./store.ts";

/** Sends messages, and fetches their outcomes. */
export function sendingActions(api: Api, store: Store, now: () => number) {
  const { dispatch } = store;
  return {
    async sendText(channelId: string, draft: TextDraft): Promise<void> {
      const answer = await api.sendText(channelId, draft);
      const message = ownMessage(answer, { to: draft.to, text: draft.message, media: null, at: now() });
      dispatch({ type: "sent", channelId, message });
    },
    async sendMedia(channelId: string, draft: MediaDraft): Promise<void> {
      const answer = await api.sendMedia(channelId, draft);
      const { to, mediaType: type, mediaUrl: url, caption: text = "" } = draft;
      const message = ownMessage(answer, { to, text, media: { type, url }, at: now() });
      dispatch({ type: "sent", channelId, message });
    },
    /** After a period without events: fetches the open outcomes of the messages written here. */
    async refreshOutcomes(channelId: string): Promise<void> {
      const channel = store.state.channels.find((it) => it.channelId === channelId);
      for (const { messageId, commandId } of channel ? unsettled(channel) : []) {
        const { state, error } = await api.command(commandId);
        dispatch({ type: "outcome", channelId, messageId, outcome: outcomeOfCommand(state, error) });
      }
    },
  };
}

type Written = Pick<OwnMessage, "to" | "text" | "media" | "at">;

function ownMessage({ messageId, commandId, status }: Accepted, written: Written): OwnMessage {
  const outcome = { status, failure: null };
  return { kind: "own", id: messageId, messageId, commandId, outcome, ...written };
}
