import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { proto } from "#connector/baileys/baileys.ts";
import type { SeenMessage } from "#connector/messages/from-whatsapp.ts";
import { createMessageStore } from "#connector/messages/message-store.ts";
import { messageStatusRank } from "#shared/events.ts";
import { fileDatabase } from "../connector.fixture.ts";

const file = fileDatabase();
const peer = "15550100001@s.whatsapp.net";
const self = "15550100002@s.whatsapp.net";

function channel() {
  const channelId = randomUUID();
  return { channelId, record: createMessageStore(file.all, channelId) };
}

function seen(type: SeenMessage["type"], messageId: string, sender: string): SeenMessage {
  const common = { messageId, from: peer, sender, message: "Hello", sentAt: new Date(0).toISOString() };
  const content = { type: "text", text: "Hello" } as const;
  return type === "incoming_message"
    ? { chat: peer, sender, messageId, type, data: { ...common, content, type: "incoming" } }
    : { chat: peer, sender, messageId, type, data: { ...common, content, type: "outgoing", to: peer } };
}

test("what is sent is kept for a contact that asks again, byte for byte", async () => {
  const { record } = channel();
  const message: proto.IMessage = {
    extendedTextMessage: { text: "Hello €" },
    messageContextInfo: { messageSecret: Buffer.from("00ff7f80", "hex") },
  };
  await record.sending("3EB0A", peer, "text", message);
  const kept = await record.sent("3EB0A");
  expect(Buffer.from(proto.Message.encode(kept ?? {}).finish())).toEqual(
    Buffer.from(proto.Message.encode(message).finish()),
  );
  expect(await record.sent("3EB0B")).toBeUndefined();
});

test("sending again under the same id keeps the first, and its status", async () => {
  const { record } = channel();
  await record.sending("3EB0A", peer, "text", { conversation: "first" });
  await record.raise("3EB0A", "delivered");
  await record.sending("3EB0A", peer, "text", { conversation: "second" });
  expect((await record.sent("3EB0A"))?.conversation).toBe("first");
  expect(await record.rank("3EB0A")).toBe(messageStatusRank.delivered);
});

test("a status only rises, in whatever order it comes", async () => {
  const { channelId, record } = channel();
  await record.sending("3EB0A", peer, "text", { conversation: "Hello" });
  for (const status of ["sent", "read", "delivered", "failed", "unknown"] as const) {
    await record.raise("3EB0A", status);
  }
  expect(await record.rank("3EB0A")).toBe(messageStatusRank.read);
  expect(await file.all.messages.findOne({ channelId })).toMatchObject({ status: "read" });
});

test("a message that is not known has no rank, and raising it makes none", async () => {
  const { channelId, record } = channel();
  await record.raise("3EB0A", "read");
  expect(await record.rank("3EB0A")).toBeNull();
  expect(await file.all.messages.countDocuments({ channelId })).toBe(0);
});

test("what was seen is one row however often, and incoming ids are told apart by who wrote", async () => {
  const { channelId, record } = channel();
  await Promise.all([1, 2, 3].map(() => record.seen(seen("incoming_message", "3EB0A", peer))));
  await record.seen(seen("incoming_message", "3EB0A", "15550100003@s.whatsapp.net"));
  expect(await file.all.messages.countDocuments({ channelId, direction: "in" })).toBe(2);
  expect(await record.rank("3EB0A")).toBeNull();
});

test("what was written on the phone counts as sent, and its status rises from there", async () => {
  const { channelId, record } = channel();
  await record.seen(seen("outgoing_message", "3EB0A", self));
  expect(await record.rank("3EB0A")).toBe(messageStatusRank.sent);
  await record.raise("3EB0A", "read");
  expect(await file.all.messages.findOne({ channelId })).toMatchObject({
    direction: "out",
    chat: peer,
    sender: self,
    type: "text",
    status: "read",
  });
});

test("channels do not see each other's messages", async () => {
  const [one, other] = [channel(), channel()];
  await one.record.sending("3EB0A", peer, "text", { conversation: "mine" });
  expect(await other.record.sent("3EB0A")).toBeUndefined();
  expect(await other.record.rank("3EB0A")).toBeNull();
});
