import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import type { WAMessage } from "../../connector/baileys/baileys.ts";
import { commandQueue } from "../../connector/command-queue.ts";
import { createDelivery } from "../../connector/delivery.ts";
import { openEventLog } from "../../connector/event-log.ts";
import { createInbox } from "../../connector/inbox.ts";
import { messageRecord } from "../../connector/message-record.ts";
import { toldIn } from "../../connector/told.ts";
import { createLog } from "../../shared/log.ts";
import { fileDatabase } from "./connector-fixture.ts";

const file = fileDatabase();
const peer = "15550100001@s.whatsapp.net";
const self = "15550100002@s.whatsapp.net";

/** An inbox on a real log and record. */
async function open(channelId: string = randomUUID(), epoch = 1) {
  const fence = { channelId, epoch };
  const log = await openEventLog(file.all.events, fence);
  const record = messageRecord(file.all, channelId);
  const queue = commandQueue(file.all.commands, fence, "me");
  const errors: unknown[] = [];
  const delivery = createDelivery({ log, told: toldIn(file.all, channelId), record, queue });
  const onError = (error: unknown) => errors.push(error);
  const inbox = createInbox({
    channelId,
    events: log,
    record,
    delivery,
    self: () => self,
    onError,
    log: createLog("silent"),
  });
  const told = async () => {
    const events = await file.all.events
      .find({ channelId, seq: { $exists: true } })
      .sort({ seq: 1 })
      .toArray();
    return events.map(({ type, data }) => ({ type, ...data }) as Record<string, unknown>);
  };
  return { channelId, inbox, record, told, errors };
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
  expect(await told()).toMatchObject([{ type: "outgoing", to: peer, sender: self, message: "mine" }]);
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
  const { inbox, record, told } = await open();
  for (const id of ["A", "B"]) await record.sending(id, peer, "text", { conversation: "Hello" });
  inbox.updated([update("A", 1), update("A", 2), update("A", 3), update("A", 4), update("A", 5)]);
  inbox.updated([update("B", 0, ["479"])]);
  await inbox.idle();
  expect(await told()).toEqual([
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
  const { inbox, record, told, errors } = await open();
  await record.sending("A", peer, "text", { conversation: "Hello" });
  inbox.updated([
    { key: { remoteJid: peer, fromMe: false, id: "A" }, update: { status: 4 } },
    { key: { remoteJid: peer, fromMe: true, id: "A" }, update: {} },
    { key: { remoteJid: peer, fromMe: true }, update: { status: 4 } },
    update("NOBODY", 4),
  ]);
  await inbox.idle();
  expect({ told: await told(), errors }).toEqual({ told: [], errors: [] });
});

test("a log that belongs to somebody else by now is reported, not passed over", async () => {
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
