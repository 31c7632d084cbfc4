import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { proto } from "#connector/baileys/baileys.ts";
import type { SeenMessage } from "#connector/messages/from-whatsapp/from-whatsapp.ts";
import { createMessageStore } from "#connector/messages/message-store.ts";
import { messageStatusRank } from "#shared/events.ts";
import { fileDatabase } from "../connector.fixture.ts";

const file = fileDatabase();
const peer = "15550100001@s.whatsapp.net";
const ownJid = "15550100002@s.whatsapp.net";

function newChannel() {
  const channelId = randomUUID();
  return { channelId, store: createMessageStore(file.all, channelId) };
}

function seen(type: "incoming_message" | "outgoing_message", messageId: string, sender: string): SeenMessage {
  const common = { messageId, from: peer, sender, message: "Hello", sentAt: new Date(0).toISOString() };
  const content = { type: "text", text: "Hello" } as const;
  return type === "incoming_message"
    ? { chat: peer, sender, messageId, type, data: { ...common, content, type: "incoming" } }
    : { chat: peer, sender, messageId, type, data: { ...common, content, type: "outgoing", to: peer } };
}

test("a sent message is kept byte for byte, for contacts that ask for it again", async () => {
  const { store } = newChannel();
  const message: proto.IMessage = {
    extendedTextMessage: { text: "Hello €" },
    messageContextInfo: { messageSecret: Buffer.from("00ff7f80", "hex") },
  };
  await store.sending("3EB0A", peer, "text", message);
  const kept = await store.sent("3EB0A");
  expect(Buffer.from(proto.Message.encode(kept?.message ?? {}).finish())).toEqual(
    Buffer.from(proto.Message.encode(message).finish()),
  );
  expect(kept?.chats).toEqual([peer]);
  expect(await store.sent("3EB0B")).toBeNull();
});

test("a second `sending` under the same id keeps the first message and its status", async () => {
  const { store } = newChannel();
  await store.sending("3EB0A", peer, "text", { conversation: "first" });
  await store.raise("3EB0A", "delivered");
  await store.sending("3EB0A", peer, "text", { conversation: "second" });
  expect((await store.sent("3EB0A"))?.message.conversation).toBe("first");
  expect(await store.rank("3EB0A")).toBe(messageStatusRank.delivered);
});

test("a status only rises, in whatever order updates arrive", async () => {
  const { channelId, store } = newChannel();
  await store.sending("3EB0A", peer, "text", { conversation: "Hello" });
  for (const status of ["sent", "read", "delivered", "failed", "unknown"] as const) {
    await store.raise("3EB0A", status);
  }
  expect(await store.rank("3EB0A")).toBe(messageStatusRank.read);
  expect(await file.all.messages.findOne({ channelId })).toMatchObject({ status: "read" });
});

test("an unknown message has no rank, and `raise` does not create it", async () => {
  const { channelId, store } = newChannel();
  await store.raise("3EB0A", "read");
  expect(await store.rank("3EB0A")).toBeNull();
  expect(await file.all.messages.countDocuments({ channelId })).toBe(0);
});

test("a redelivered message has one row, and the same id from another sender has its own", async () => {
  const { channelId, store } = newChannel();
  await Promise.all([1, 2, 3].map(() => store.seen(seen("incoming_message", "3EB0A", peer))));
  await store.seen(seen("incoming_message", "3EB0A", "15550100003@s.whatsapp.net"));
  expect(await file.all.messages.countDocuments({ channelId, direction: "in" })).toBe(2);
  expect(await store.rank("3EB0A")).toBeNull();
});

test("a message written on the phone starts as sent, and its status rises from there", async () => {
  const { channelId, store } = newChannel();
  await store.seen(seen("outgoing_message", "3EB0A", ownJid));
  expect(await store.rank("3EB0A")).toBe(messageStatusRank.sent);
  await store.raise("3EB0A", "read");
  expect(await file.all.messages.findOne({ channelId })).toMatchObject({
    direction: "out",
    chat: peer,
    sender: ownJid,
    type: "text",
    status: "read",
  });
});

test("a channel does not see another channel's messages", async () => {
  const [one, other] = [newChannel(), newChannel()];
  await one.store.sending("3EB0A", peer, "text", { conversation: "mine" });
  expect(await other.store.sent("3EB0A")).toBeNull();
  expect(await other.store.rank("3EB0A")).toBeNull();
});
