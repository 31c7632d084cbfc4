import { describe, expect, test } from "vitest";
import {
  applyEvent,
  type ChannelView,
  type LiveEvent,
  refreshed,
  refreshedWhileLive,
  subscribed,
  unsettled,
  withOwnMessage,
} from "#functions/console/channel-view.ts";
import type { MessageStatus } from "#shared/events.ts";
import { channel, channelId, ownMessage, view } from "./channel.fixture.ts";

const qr = {
  channelId,
  qrCode: "data:image/png;base64,AA",
  attempt: 1,
  of: 6,
  expiresAt: "2026-01-01T00:01:00Z",
};

function outcome(messageId: string, status: Exclude<MessageStatus, "queued">, seq?: number): LiveEvent {
  return { name: "message_status_update", data: { channelId, messageId, status, ...(seq && { seq }) } };
}

function status(
  data: Omit<Extract<LiveEvent, { name: "connection_update" }>["data"], "channelId">,
): LiveEvent {
  return { name: "connection_update", data: { channelId, ...data } };
}

function incoming(messageId: string, changes: object = {}): LiveEvent {
  const data = {
    channelId,
    messageId,
    from: "98765@lid",
    sender: "98765@lid",
    message: "Hi",
    type: "incoming" as const,
    content: { type: "text" as const, text: "Hi" },
    sentAt: "2026-01-15T10:30:00Z",
    ...changes,
  };
  return { name: "incoming_message", data };
}

function all(start: ChannelView, ...events: LiveEvent[]): ChannelView {
  return events.reduce((before, event) => applyEvent(before, event, 5), start);
}

function statusOf(it: ChannelView, messageId: string): MessageStatus | undefined {
  const found = it.entries.find((entry) => entry.kind === "own" && entry.messageId === messageId);
  return found?.kind === "own" ? found.outcome.status : undefined;
}

test("a status update sets the reason and next attempt, and one without them clears them", () => {
  const waiting = all(
    view(),
    status({ status: "connecting", reason: "connection_lost", retryAt: "2026-01-01T00:00:00Z" }),
  );
  expect(waiting).toMatchObject({
    status: "connecting",
    reason: "connection_lost",
    retryAt: "2026-01-01T00:00:00Z",
  });
  expect(all(waiting, status({ status: "active" }))).toMatchObject({
    status: "active",
    reason: null,
    retryAt: null,
  });
});

test("a QR is shown from its event until the channel is linked or gives up", () => {
  for (const end of ["active", "inactive", "error", "logged_out"] as const) {
    const scanning = all(
      view(),
      status({ status: "connecting" }),
      { name: "qr_code", data: qr },
      status({ status: "qr_ready" }),
    );
    expect(scanning.pairing).toMatchObject({ kind: "qr", attempt: 1, of: 6 });
    expect(all(scanning, status({ status: end })).pairing).toBeNull();
  }
});

test("a QR that arrives before its `qr_ready` status is kept", () => {
  expect(
    all(
      view(),
      { name: "qr_code", data: qr },
      status({ status: "connecting" }),
      status({ status: "qr_ready" }),
    ).pairing,
  ).toMatchObject({ kind: "qr" });
});

test("a pairing code replaces the QR", () => {
  const code: LiveEvent = {
    name: "pairing_code",
    data: { channelId, code: "ABCD1234", expiresAt: qr.expiresAt },
  };
  expect(all(view(), { name: "qr_code", data: qr }, code).pairing).toMatchObject({
    kind: "code",
    code: "ABCD1234",
  });
});

test("an incoming message is added with its chat, text and time", () => {
  const [entry] = all(view(), incoming("in-1", { phoneNumber: "15551234567" })).entries;
  expect(entry).toMatchObject({
    kind: "incoming",
    chat: "98765@lid",
    phoneNumber: "15551234567",
    text: "Hi",
    at: Date.parse("2026-01-15T10:30:00Z"),
  });
});

test("a message with an invalid time gets the current time", () => {
  expect(all(view(), incoming("in-1", { sentAt: "?" })).entries[0]).toMatchObject({ at: 5 });
});

test("the status of an own message rises and never falls", () => {
  const sent = withOwnMessage(view(), ownMessage("m1"));
  expect(statusOf(all(sent, outcome("m1", "sent"), outcome("m1", "delivered")), "m1")).toBe("delivered");
  expect(statusOf(all(sent, outcome("m1", "read"), outcome("m1", "delivered")), "m1")).toBe("read");
  expect(statusOf(all(sent, outcome("m1", "unknown"), outcome("m1", "delivered")), "m1")).toBe("delivered");
});

test("a failed message keeps its code and WhatsApp's number for display", () => {
  const failed: LiveEvent = {
    name: "message_status_update",
    data: {
      channelId,
      messageId: "m1",
      status: "failed",
      error: { code: "whatsapp_rejected", whatsappCode: 463 },
    },
  };
  expect(all(withOwnMessage(view(), ownMessage("m1")), failed).entries[0]).toMatchObject({
    outcome: {
      status: "failed",
      failure: { code: "whatsapp_rejected", message: expect.stringContaining("463") },
    },
  });
});

test("an outcome that overtakes the response with its message id is kept", () => {
  const early = all(view(), outcome("m1", "sent"), outcome("m1", "delivered"));
  expect(statusOf(withOwnMessage(early, ownMessage("m1")), "m1")).toBe("delivered");
});

test("at most 50 outcomes of unknown messages are kept", () => {
  const many = Array.from({ length: 200 }, (_, index) => outcome(`m${index}`, "sent"));
  const after = all(view(), ...many);
  expect(after.early.size).toBeLessThanOrEqual(50);
  expect(statusOf(withOwnMessage(after, ownMessage("m199")), "m199")).toBe("sent");
});

test("at most 500 entries are kept, the newest ones", () => {
  const many = Array.from({ length: 600 }, (_, index) => incoming(`in-${index}`));
  const { entries } = all(view(), ...many);
  expect(entries).toHaveLength(500);
  expect(entries.at(-1)).toMatchObject({ id: expect.stringContaining("in-599") });
});

test("a first subscription, or one that missed no events, adds no gap", () => {
  const first = subscribed(view(), 7, 0);
  expect(first.entries).toEqual([]);
  const seen = all(first, outcome("m1", "sent", 8));
  expect(subscribed(seen, 8, 0).entries).toEqual([]);
});

test("missed events add one gap entry", () => {
  const seen = all(subscribed(view(), 7, 0), outcome("m1", "sent", 8));
  expect(subscribed(seen, 10, 99).entries).toMatchObject([{ kind: "gap", at: 99 }]);
  expect(subscribed(subscribed(seen, 10, 99), 10, 100).entries).toHaveLength(1);
});

test("only own messages that are `queued` or `unknown` are unsettled", () => {
  const outcomes: MessageStatus[] = ["queued", "unknown", "sent", "delivered", "read", "failed"];
  const filled = outcomes.reduce(
    (it, status) => withOwnMessage(it, ownMessage(status, { outcome: { status, failure: null } })),
    all(view(), incoming("in-1")),
  );
  expect(unsettled(filled).map((it) => it.messageId)).toEqual(["queued", "unknown"]);
});

test("a refresh keeps the entries and the QR, and clears an outdated reason", () => {
  const before = all(withOwnMessage(view({ reason: "qr_expired" }), ownMessage("m1")), {
    name: "qr_code",
    data: qr,
  });
  const after = refreshed(before, channel({ status: "qr_ready", phoneNumber: "15551234567" }));
  expect(after).toMatchObject({
    status: "qr_ready",
    reason: null,
    phoneNumber: "15551234567",
    pairing: { kind: "qr" },
  });
  expect(after.entries).toHaveLength(1);
});

test("a refresh beside live events sets the number but not an older status", () => {
  const live = all(view(), status({ status: "active" }));
  const after = refreshedWhileLive(live, channel({ status: "connecting", phoneNumber: "15551234567" }));
  expect(after).toMatchObject({ status: "active", phoneNumber: "15551234567" });
});

test("a refresh removes the QR once the channel is no longer pairing", () => {
  const scanning = all(view(), { name: "qr_code", data: qr });
  expect(refreshed(scanning, channel({ status: "pairing_code_ready" })).pairing).not.toBeNull();
  expect(refreshed(scanning, channel({ status: "active" })).pairing).toBeNull();
});

test("an edit, a reaction and a deletion change the message that they name, and no other", () => {
  const change = {
    ...{ channelId, messageId: "IN1", from: "98765@lid", sender: "98765@lid", author: "98765@lid" },
    sentAt: "2026-01-15T10:31:00Z",
  };
  const content = { type: "text" as const, text: "Hi!" };
  const elsewhere = incoming("IN1", { from: "1@lid", sender: "1@lid" });
  const anotherAuthor = incoming("IN1", { sender: "2@lid" });
  const start = all(view(), incoming("IN1"), incoming("IN2"), elsewhere, anotherAuthor);
  expect(new Set(start.entries.map(({ id }) => id)).size).toBe(4);
  const changed = all(
    start,
    { name: "message_edited", data: { ...change, message: "Hi!", content } },
    { name: "reaction", data: { ...change, emoji: "👍" } },
    { name: "reaction", data: { ...change, emoji: "🎉" } },
    { name: "reaction", data: { ...change, sender: "1@lid", emoji: "👍" } },
    { name: "reaction", data: { ...change, sender: "1@lid", emoji: null } },
    { name: "reaction", data: { ...change, unavailable: "undecryptable" } },
    { name: "poll_vote", data: { ...change, unavailable: "undecryptable" } },
    { name: "event_response", data: { ...change, unavailable: "undecryptable" } },
    { name: "message_pinned", data: { ...change, isPinned: true } },
    { name: "message_kept", data: { ...change, isKept: true } },
    { name: "message_deleted", data: change },
  );
  expect(changed.entries[0]).toMatchObject({ text: "Hi!", content, isEdited: true, isDeleted: true });
  expect((changed.entries[0] as { reactions?: unknown }).reactions).toEqual(new Map([["98765@lid", "🎉"]]));
  expect(changed.entries.slice(1)).toEqual(start.entries.slice(1));
});

describe("a message that a program sends", () => {
  const announced = (messageId: string, via?: string): LiveEvent => ({
    name: "outgoing_message",
    data: {
      ...{ channelId, messageId, from: "15551234567@s.whatsapp.net", to: "15551234567@s.whatsapp.net" },
      ...{ sender: "15550000000@s.whatsapp.net", sentAt: "2026-12-01T09:30:00.000Z", type: "outgoing" },
      ...{ message: "Hello", content: { type: "text", text: "Hello" }, origin: "api", ...(via && { via }) },
    },
  });

  test("is shown with its key's name, and its status", () => {
    const shown = all(view(), announced("m1", "shop"), outcome("m1", "delivered"));
    expect(shown.entries).toMatchObject([
      { kind: "own", by: "shop", text: "Hello", outcome: { status: "delivered" } },
    ]);
    expect(unsettled(all(view(), announced("m2")))).toEqual([]);
  });

  test("is one entry if it was written here, whichever comes first", () => {
    const first = withOwnMessage(
      all(view(), announced("m1", "console"), outcome("m1", "sent")),
      ownMessage("m1"),
    );
    const later = all(
      withOwnMessage(view(), ownMessage("m1")),
      announced("m1", "console"),
      outcome("m1", "sent"),
    );
    for (const { entries } of [first, later]) {
      expect(entries).toHaveLength(1);
      expect(entries[0]).toMatchObject({ commandId: "command of m1", outcome: { status: "sent" } });
      expect(entries[0]).not.toHaveProperty("by");
    }
  });
});

test("a change of a message whose id another author uses, too, changes that author's alone", () => {
  const author = "15559999999@s.whatsapp.net";
  const forged = all(view(), incoming("one"), {
    name: "message_deleted",
    data: { channelId, ...{ messageId: "one", from: "98765@lid", sender: author, author, sentAt: "" } },
  });
  expect((forged.entries[0] as { isDeleted?: boolean }).isDeleted).toBe(false);
});
