import type { Channel } from "#functions/console/answers.ts";
import { type ChannelView, newChannelView, type OwnMessage } from "#functions/console/channel-view.ts";

export const channelId = "channel-1";

export function channel(changes: Partial<Channel> = {}): Channel {
  return {
    channelId,
    name: "Shop",
    phoneNumber: null,
    status: "inactive",
    reason: null,
    retryAt: null,
    ...changes,
  };
}

export function view(changes: Partial<ChannelView> = {}): ChannelView {
  return { ...newChannelView(channel()), ...changes };
}

export function ownMessage(messageId: string, changes: Partial<OwnMessage> = {}): OwnMessage {
  return {
    kind: "own",
    id: messageId,
    messageId,
    commandId: `command of ${messageId}`,
    to: "+15551234567",
    text: "Hello",
    media: null,
    outcome: { status: "queued", failure: null },
    at: 0,
    ...changes,
  };
}
