import { Timestamp } from "mongodb";
import { expect, test } from "vitest";
import type { Audience } from "#connector/gateway/audience.ts";
import { logNotice } from "#connector/gateway/notice.ts";
import type { EventType } from "#shared/events.ts";

/** The audience of each event. A scope that a key lacks hides its events: a change must be deliberate. */
const audiences: Record<EventType, Audience> = {
  connection_update: "status",
  incoming_message: "messages",
  outgoing_message: "messages",
  message_status_update: "messages",
  message_edited: "messages",
  message_deleted: "messages",
  reaction: "messages",
  poll_vote: "messages",
  event_response: "messages",
  message_pinned: "messages",
  message_kept: "messages",
};

test.each(Object.entries(audiences))("%s is broadcast to the audience `%s`", (type, audience) => {
  const event = {
    _id: "event",
    channelId: "channel",
    seq: 1,
    ord: new Timestamp({ t: 0, i: 0 }),
    type,
    timestamp: new Date(0),
    data: {},
  };
  expect(logNotice(event)).toMatchObject({ audience, name: type });
});
