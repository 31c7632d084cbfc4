import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import type { WAMessage } from "#connector/baileys/baileys.ts";
import { createCommandQueue } from "#connector/commands/command-queue.ts";
import { openEventLog } from "#connector/events/event-log.ts";
import { createPublishedStatuses } from "#connector/events/published-statuses.ts";
import { createInbox } from "#connector/inbound/inbox.ts";
import { createMessageStatuses } from "#connector/messages/message-status.ts";
import { createMessageStore } from "#connector/messages/message-store.ts";
import { createParties } from "#connector/messages/parties.ts";
import { eventually } from "#test/support/eventually.ts";
import { fileDatabase } from "../connector.fixture.ts";
import { sentText, testSeal } from "../messages/messages.fixture.ts";
import { sessionScope } from "../session-scope.fixture.ts";

/** Resolves when everything that waits for nothing more has run. */
const settled = () => new Promise((resolve) => setImmediate(resolve));
const file = fileDatabase();
const peer = "15550100001@s.whatsapp.net";
const ownJid = "15550100002@s.whatsapp.net";

/** An inbox on a real event log and message store. */
async function open(channelId: string = randomUUID(), epoch = 1) {
  const fence = { channelId, epoch };
  const events = await openEventLog(file.all.events, fence);
  const messageStore = createMessageStore(file.all, channelId, testSeal(channelId));
  const queue = createCommandQueue(file.all.commands, fence, "me");
  const errors: unknown[] = [];
  const messageStatuses = createMessageStatuses({
    events,
    publishedStatuses: createPublishedStatuses(file.all, channelId),
    messageStore,
    onArrived: queue.settleUnknown,
    onError: () => undefined,
  });
  const scope = sessionScope({ channelId, fail: (error) => void errors.push(error) });
  const inbox = createInbox(scope, {
    events,
    messageStore,
    messageStatuses,
    parties: createParties(null),
    ownJid: () => ownJid,
  });
  const published = async () => {
    const events = await file.all.events
      .find({ channelId, seq: { $exists: true } })
      .sort({ seq: 1 })
      .toArray();
    return events.map(({ type, data }) => ({ type, ...data }) as Record<string, unknown>);
  };
  return { channelId, inbox, messageStore, published, errors };
}

function message(id: string, text: string, key: Partial<WAMessage["key"]> = {}): WAMessage {
  return {
    key: { remoteJid: peer, fromMe: false, id, ...key },
    message: { conversation: text },
    messageTimestamp: 1_700_000_000,
  };
}

const update = (id: string, status: number, parameters?: string[]) => ({
  key: { remoteJid: peer, fromMe: true, id },
  update: { status, ...(parameters ? { messageStubParameters: parameters } : {}) },
});
const reportedFrom = (remoteJid: string | undefined, id: string, status: number) => ({
  ...update(id, status),
  key: { ...(remoteJid ? { remoteJid } : {}), fromMe: true, id },
});

test("messages are published once and in arrival order, live or redelivered, even to a new owner", async () => {
  const first = await open();
  const all = Array.from({ length: 50 }, (_, index) => message(`M${index}`, `text ${index}`));
  void first.inbox.received({ messages: all.slice(0, 20) });
  for (const one of all.slice(10, 30)) void first.inbox.received({ messages: [one] });
  await first.inbox.received({ messages: all.slice(20, 50) });
  expect(await first.published()).toHaveLength(50);
  const second = await open(first.channelId, 2);
  void second.inbox.received({ messages: all });
  await second.inbox.idle();
  const published = await second.published();
  expect(published.map(({ message: text }) => text)).toEqual(all.map((_, index) => `text ${index}`));
  expect(await file.all.messages.countDocuments({ channelId: first.channelId, direction: "in" })).toBe(50);
  expect([...first.errors, ...second.errors]).toEqual([]);
});

test("the same id in another chat is another message", async () => {
  const { inbox, published } = await open();
  const elsewhere = message("M1", "there", { remoteJid: "15550100003@s.whatsapp.net" });
  void inbox.received({ messages: [message("M1", "here"), elsewhere] });
  await inbox.idle();
  expect((await published()).map(({ message: text }) => text)).toEqual(["here", "there"]);
});

test("a message written on the phone is published as outgoing", async () => {
  const { inbox, published } = await open();
  void inbox.received({ messages: [message("M1", "mine", { fromMe: true })] });
  await inbox.idle();
  expect(await published()).toMatchObject([{ type: "outgoing", to: peer, sender: ownJid, message: "mine" }]);
});

test("placeholders and statuses of contacts are not published", async () => {
  const { inbox, published, errors } = await open();
  const placeholder: WAMessage = { key: { remoteJid: peer, fromMe: false, id: "M1" }, messageStubType: 2 };
  const status = message("M2", "a status", { remoteJid: "status@broadcast" });
  void inbox.received({ messages: [placeholder, status, message("M3", "a message")] });
  await inbox.idle();
  expect((await published()).map(({ messageId }) => messageId)).toEqual(["M3"]);
  expect(errors).toEqual([]);
});

test("Baileys' status numbers become statuses", async () => {
  const { inbox, messageStore, published } = await open();
  for (const id of ["A", "B"]) await messageStore.sending(...sentText(id, peer, "Hello"));
  inbox.updated([update("A", 1), update("A", 2), update("A", 3), update("A", 4), update("A", 5)]);
  inbox.updated([update("B", 0, ["479"])]);
  await inbox.idle();
  const byMessage = (await published()).toSorted((a, b) =>
    String(a.messageId).localeCompare(String(b.messageId)),
  );
  expect(byMessage).toEqual([
    ...["sent", "delivered", "read", "played"].map((status) => ({
      type: "message_status_update",
      messageId: "A",
      status,
    })),
    {
      type: "message_status_update",
      messageId: "B",
      status: "failed",
      error: { code: "whatsapp_rejected", whatsappCode: 479 },
    },
  ]);
});

test("a status counts only from the message's chat; a refusal is WhatsApp's own word", async () => {
  const { inbox, messageStore, published } = await open();
  const toSelf = "3EB0SELF";
  await messageStore.sending(...sentText("A", peer, "Hello"));
  await messageStore.sending(...sentText("B", peer, "Refused"));
  await messageStore.sending(...sentText(toSelf, ownJid, "Note"));
  inbox.updated([
    reportedFrom("15550100009@s.whatsapp.net", "A", 4),
    reportedFrom("999@lid", "A", 4),
    reportedFrom("120363000000000001@g.us", "A", 4),
    reportedFrom(undefined, "A", 4),
    reportedFrom("15550100001:7@s.whatsapp.net", "A", 3),
    // Our own devices leave the chat out.
    reportedFrom(undefined, toSelf, 4),
    reportedFrom("999@lid", "B", 0),
  ]);
  await inbox.idle();
  const statuses = (await published()).map(({ messageId, status }) => `${messageId} ${status}`);
  expect(statuses.toSorted()).toEqual([`${toSelf} read`, "A delivered", "B failed"]);
});

test("60,000 made-up ids are dropped before they count, and the next status is published", async () => {
  const { inbox, messageStore, published, errors } = await open();
  await messageStore.sending(...sentText("A", peer, "Hello"));
  inbox.updated(Array.from({ length: 60_000 }, (_, index) => update(`MADE-UP-${index}`, 4)));
  inbox.updated([update("A", 3)]);
  await inbox.idle();
  expect(await published()).toMatchObject([{ messageId: "A", status: "delivered" }]);
  expect(errors).toEqual([]);
}, 120_000);

test("updates that are not about the status of a message of ours are dropped", async () => {
  const { inbox, messageStore, published, errors } = await open();
  await messageStore.sending(...sentText("A", peer, "Hello"));
  inbox.updated([
    { key: { remoteJid: peer, fromMe: false, id: "A" }, update: { status: 4 } },
    { key: { remoteJid: peer, fromMe: true, id: "A" }, update: {} },
    { key: { remoteJid: peer, fromMe: true }, update: { status: 4 } },
    update("UNKNOWN", 4),
  ]);
  await inbox.idle();
  expect({ published: await published(), errors }).toEqual({ published: [], errors: [] });
});

test("a log that belongs to another owner fails the session, and the messages stay pending", async () => {
  const former = await open();
  await open(former.channelId, 2);
  let isPublished = false;
  for (const id of ["M1", "M2"]) {
    void former.inbox.received({ messages: [message(id, "too late")] }).then(() => {
      isPublished = true;
    });
  }
  await former.inbox.idle();
  expect(isPublished).toBe(false);
  expect(former.errors).toMatchObject([{ name: "FencedError" }]);
  expect(await former.published()).toEqual([]);
  expect(await file.all.messages.countDocuments({ channelId: former.channelId })).toBe(0);
});

test("a message that cannot be converted does not block the others", async () => {
  const { inbox, published, errors } = await open();
  const broken = message("M1", "first");
  Object.defineProperty(broken, "message", {
    get() {
      throw new Error("nested too deep");
    },
  });
  await inbox.received({ messages: [broken, message("M2", "second")] });
  expect((await published()).map(({ message: text }) => text)).toEqual(["second"]);
  expect(errors).toEqual([]);
});

test("a message that does not fit into the log is told without its content, in its place", async () => {
  const { inbox, published, errors } = await open();
  await inbox.received({ messages: [message("M1", "x".repeat(600_000)), message("M2", "small")] });
  expect(await published()).toMatchObject([
    { messageId: "M1", message: "", content: { type: "unavailable", reason: "too_large" } },
    { messageId: "M2", message: "small" },
  ]);
  const row = await file.all.messages.findOne({ messageId: "M1", type: "unavailable" });
  expect([row?.chat, errors]).toEqual([peer, []]);
});

/** An inbox whose writes wait until the test opens the gate. `writes` lists those that have started. */
function heldInbox() {
  const writes: string[] = [];
  const asked: number[] = [];
  const errors: unknown[] = [];
  const gate = Promise.withResolvers<void>();
  const write = async (name: string) => {
    writes.push(name);
    await gate.promise;
  };
  const inbox = createInbox(sessionScope({ fail: (error) => void errors.push(error) }), {
    events: {
      publish: async (_type, data) => write("messageId" in data ? data.messageId : ""),
      has: async () => new Set(),
    },
    messageStore: {
      seen: async () => undefined,
      changed: async () => undefined,
      async own(ids) {
        asked.push(ids.length);
        return new Map(ids.map((id) => [id, { chats: [peer] }]));
      },
    },
    parties: createParties(null),
    messageStatuses: { update: ({ messageId }) => write(messageId) },
    ownJid: () => ownJid,
  });
  return { inbox, writes, asked, errors, open: gate.resolve, fail: gate.reject };
}

test("the statuses of a receipt are written concurrently, at most 50 at a time", async () => {
  const { inbox, writes, open: release } = heldInbox();
  inbox.updated(Array.from({ length: 250 }, (_, index) => update(`S${index}`, 3)));
  await eventually(() => writes.length >= 50);
  await settled();
  expect(writes).toHaveLength(50);
  release();
  await inbox.idle();
  expect(writes).toEqual(Array.from({ length: 250 }, (_, index) => `S${index}`));
});

test("one query asks about 1,050 reported statuses at most: those to be written, and 1,000 behind them", async () => {
  const { inbox, asked, open: release } = heldInbox();
  release();
  inbox.updated(Array.from({ length: 3_000 }, (_, index) => update(`S${index}`, 3)));
  await inbox.idle();
  expect(Math.max(...asked)).toBe(1_050);
});

test("a status waits for earlier messages, and no message waits for a status", async () => {
  const { inbox, writes, open: release } = heldInbox();
  const published: string[] = [];
  void inbox.received({ messages: [message("M1", "first")] }).then(() => published.push("M1"));
  inbox.updated([update("S1", 3)]);
  void inbox.received({ messages: [message("M2", "second")] });
  inbox.updated([update("S2", 3)]);
  await settled();
  expect(writes).toEqual(["M1", "M2"]);
  release();
  await inbox.idle();
  expect(writes).toEqual(["M1", "M2", "S1", "S2"]);
  expect(published).toEqual(["M1"]);
});

test("nothing is written after a message that could not be, so that none overtakes it", async () => {
  const { inbox, writes, errors, fail } = heldInbox();
  const published: string[] = [];
  const receive = (id: string) =>
    void inbox.received({ messages: [message(id, "")] }).then(() => published.push(id));
  receive("M1");
  await settled();
  receive("M2");
  inbox.updated([update("S1", 3)]);
  fail(new Error("the database is unavailable"));
  await inbox.idle();
  receive("M3");
  await inbox.idle();
  expect([writes, published, errors]).toEqual([["M1"], [], [new Error("the database is unavailable")]]);
});
