import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import type { WAMessage } from "#connector/baileys/baileys.ts";
import { createCommandQueue } from "#connector/commands/command-queue.ts";
import { openEventLog } from "#connector/events/event-log.ts";
import { createPublishedStatuses } from "#connector/events/published-statuses.ts";
import { createInbox, type Inbox } from "#connector/inbound/inbox.ts";
import { createMessageStatuses } from "#connector/messages/message-status.ts";
import { createMessageStore } from "#connector/messages/message-store.ts";
import { eventually } from "#test/support/eventually.ts";
import { fileDatabase } from "../connector.fixture.ts";
import { sessionScope } from "../session-scope.fixture.ts";

/** What can go on by itself has gone on. */
const settled = () => new Promise((resolve) => setImmediate(resolve));
const file = fileDatabase();
const peer = "15550100001@s.whatsapp.net";
const ownJid = "15550100002@s.whatsapp.net";

/** An inbox on a real event log and message store. */
async function open(channelId: string = randomUUID(), epoch = 1) {
  const fence = { channelId, epoch };
  const events = await openEventLog(file.all.events, fence);
  const messageStore = createMessageStore(file.all, channelId);
  const queue = createCommandQueue(file.all.commands, fence, "me");
  const errors: unknown[] = [];
  const messageStatuses = createMessageStatuses({
    events,
    publishedStatuses: createPublishedStatuses(file.all, channelId),
    messageStore,
    onArrived: queue.settleUnknown,
  });
  const scope = sessionScope({ channelId, fail: (error) => void errors.push(error) });
  const inbox = createInbox(scope, {
    events,
    messageStore,
    messageStatuses,
    ownJid: () => ownJid,
  });
  const told = async () => {
    const events = await file.all.events
      .find({ channelId, seq: { $exists: true } })
      .sort({ seq: 1 })
      .toArray();
    return events.map(({ type, data }) => ({ type, ...data }) as Record<string, unknown>);
  };
  return { channelId, inbox, messageStore, told, errors };
}

function message(id: string, text: string, key: Partial<WAMessage["key"]> = {}): WAMessage {
  return {
    key: { remoteJid: peer, fromMe: false, id, ...key },
    message: { conversation: text },
    messageTimestamp: 1_700_000_000,
  };
}

const update = (id: string, status: number, parameters?: string[]) => ({
  key: { remoteJid: "999@lid", fromMe: true, id },
  update: { status, ...(parameters ? { messageStubParameters: parameters } : {}) },
});

test("messages are told in the order they came, each once, live or redelivered, also to a new owner", async () => {
  const first = await open();
  const all = Array.from({ length: 50 }, (_, index) => message(`M${index}`, `text ${index}`));
  void first.inbox.received({ messages: all.slice(0, 20) });
  for (const one of all.slice(10, 30)) void first.inbox.received({ messages: [one] });
  await first.inbox.received({ messages: all.slice(20, 50) });
  expect(await first.told()).toHaveLength(50);
  const second = await open(first.channelId, 2);
  void second.inbox.received({ messages: all });
  await second.inbox.idle();
  const told = await second.told();
  expect(told.map(({ message: text }) => text)).toEqual(all.map((_, index) => `text ${index}`));
  expect(await file.all.messages.countDocuments({ channelId: first.channelId, direction: "in" })).toBe(50);
  expect([...first.errors, ...second.errors]).toEqual([]);
});

test("the same id in another chat is another message", async () => {
  const { inbox, told } = await open();
  const elsewhere = message("M1", "there", { remoteJid: "15550100003@s.whatsapp.net" });
  void inbox.received({ messages: [message("M1", "here"), elsewhere] });
  await inbox.idle();
  expect((await told()).map(({ message: text }) => text)).toEqual(["here", "there"]);
});

test("what was written on the phone is told as outgoing", async () => {
  const { inbox, told } = await open();
  void inbox.received({ messages: [message("M1", "mine", { fromMe: true })] });
  await inbox.idle();
  expect(await told()).toMatchObject([{ type: "outgoing", to: peer, sender: ownJid, message: "mine" }]);
});

test("what is no message is passed over", async () => {
  const { inbox, told, errors } = await open();
  const placeholder: WAMessage = { key: { remoteJid: peer, fromMe: false, id: "M1" }, messageStubType: 2 };
  const status = message("M2", "a status", { remoteJid: "status@broadcast" });
  void inbox.received({ messages: [placeholder, status, message("M3", "a message")] });
  await inbox.idle();
  expect((await told()).map(({ messageId }) => messageId)).toEqual(["M3"]);
  expect(errors).toEqual([]);
});

test("Baileys' numbers become statuses, by message id alone", async () => {
  const { inbox, messageStore, told } = await open();
  for (const id of ["A", "B"]) await messageStore.sending(id, peer, "text", { conversation: "Hello" });
  inbox.updated([update("A", 1), update("A", 2), update("A", 3), update("A", 4), update("A", 5)]);
  inbox.updated([update("B", 0, ["479"])]);
  await inbox.idle();
  const byMessage = (await told()).toSorted((a, b) => String(a.messageId).localeCompare(String(b.messageId)));
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

test("updates that say nothing about a message of ours are passed over", async () => {
  const { inbox, messageStore, told, errors } = await open();
  await messageStore.sending("A", peer, "text", { conversation: "Hello" });
  inbox.updated([
    { key: { remoteJid: peer, fromMe: false, id: "A" }, update: { status: 4 } },
    { key: { remoteJid: peer, fromMe: true, id: "A" }, update: {} },
    { key: { remoteJid: peer, fromMe: true }, update: { status: 4 } },
    update("NOBODY", 4),
  ]);
  await inbox.idle();
  expect({ told: await told(), errors }).toEqual({ told: [], errors: [] });
});

test("a events that belongs to somebody else by now is reported, not passed over", async () => {
  const former = await open();
  await open(former.channelId, 2);
  let isTaken = false;
  for (const id of ["M1", "M2"]) {
    void former.inbox.received({ messages: [message(id, "too late")] }).then(() => {
      isTaken = true;
    });
  }
  await former.inbox.idle();
  expect(isTaken).toBe(false);
  expect(former.errors).toMatchObject([{ name: "FencedError" }]);
  expect(await former.told()).toEqual([]);
  expect(await file.all.messages.countDocuments({ channelId: former.channelId })).toBe(0);
});

test("a message that cannot be told does not keep the others from it", async () => {
  const { inbox, told, errors } = await open();
  const broken = message("M1", "first");
  Object.defineProperty(broken, "message", {
    get() {
      throw new Error("nested too deep");
    },
  });
  await inbox.received({ messages: [broken, message("M2", "second")] });
  expect((await told()).map(({ message: text }) => text)).toEqual(["second"]);
  expect(errors).toEqual([]);
});

/** An inbox whose messages and statuses are written when the test says so. */
function held() {
  const asked: string[] = [];
  const errors: unknown[] = [];
  const gate = Promise.withResolvers<void>();
  const write = async (name: string) => {
    asked.push(name);
    await gate.promise;
  };
  const inbox = createInbox(sessionScope({ fail: (error) => void errors.push(error) }), {
    events: { publish: async (_type, data) => write("messageId" in data ? data.messageId : "") },
    messageStore: { seen: async () => undefined },
    messageStatuses: { update: ({ messageId }) => write(messageId) },
    ownJid: () => ownJid,
  });
  return { inbox, asked, errors, open: gate.resolve, fail: gate.reject };
}

test("the statuses of a receipt are written beside each other, a bounded number at a time", async () => {
  const { inbox, asked, open: release } = held();
  inbox.updated(Array.from({ length: 250 }, (_, index) => update(`S${index}`, 3)));
  await eventually(() => asked.length >= 50);
  await settled();
  expect(asked).toHaveLength(50);
  release();
  await inbox.idle();
  expect(asked).toEqual(Array.from({ length: 250 }, (_, index) => `S${index}`));
});

test("a status waits for the messages that came before it, and is not waited for by them", async () => {
  const { inbox, asked, open: release } = held();
  const taken: string[] = [];
  void inbox.received({ messages: [message("M1", "first")] }).then(() => taken.push("M1"));
  inbox.updated([update("S1", 3)]);
  void inbox.received({ messages: [message("M2", "second")] });
  inbox.updated([update("S2", 3)]);
  await settled();
  expect(asked).toEqual(["M1", "M2"]);
  release();
  await inbox.idle();
  expect(asked).toEqual(["M1", "M2", "S1", "S2"]);
  expect(taken).toEqual(["M1"]);
});

test("after a message that could not be written nothing is, so that none overtakes it", async () => {
  const { inbox, asked, errors, fail } = held();
  const taken: string[] = [];
  const receive = (id: string) =>
    void inbox.received({ messages: [message(id, "")] }).then(() => taken.push(id));
  receive("M1");
  await settled();
  receive("M2");
  inbox.updated([update("S1", 3)]);
  fail(new Error("the database is away"));
  await inbox.idle();
  receive("M3");
  await inbox.idle();
  expect([asked, taken, errors]).toEqual([["M1"], [], [new Error("the database is away")]]);
});

test.each([
  [
    "10,000 messages",
    10_000,
    (inbox: Inbox, id: string) => void inbox.received({ messages: [message(id, "")] }),
  ],
  ["50,000 statuses", 50_000, (inbox: Inbox, id: string) => inbox.updated([update(id, 3)])],
])(
  "with %s waiting it fails, and takes in nothing that would overtake what is left out",
  async (_, max, push) => {
    const { inbox, asked, errors, open: release } = held();
    for (let n = 0; n < max; n++) push(inbox, `N${n}`);
    expect(errors).toEqual([]);
    let isTaken = false;
    void inbox.received({ messages: [message("LATE", "one too many")] }).then(() => {
      isTaken = true;
    });
    expect(errors).toEqual([new Error("Too many received messages wait to be written")]);
    release();
    await inbox.idle();
    void inbox.received({ messages: [message("LATER", "after it")] });
    await inbox.idle();
    expect([asked.length, isTaken, errors.length]).toEqual([max, false, 1]);
  },
);
