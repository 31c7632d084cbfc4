import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { proto } from "#connector/baileys/baileys.ts";
import type { SeenChange } from "#connector/messages/message-changes.ts";
import type { SeenContent } from "#connector/messages/message-rows.ts";
import { createMessageStore } from "#connector/messages/message-store.ts";
import { messageStatusRank } from "#shared/events.ts";
import { fileDatabase } from "../connector.fixture.ts";
import { sentText, testSeal } from "./messages.fixture.ts";

const file = fileDatabase();
const peer = "15550100001@s.whatsapp.net";
const ownJid = "15550100002@s.whatsapp.net";

function newChannel() {
  const channelId = randomUUID();
  return { channelId, store: createMessageStore(file.all, channelId, testSeal(channelId)) };
}

const encoded = proto.Message.encode({ conversation: "Hello" }).finish();

function seen(type: "incoming_message" | "outgoing_message", messageId: string, sender: string): SeenContent {
  const common = { messageId, from: peer, sender, message: "Hello", sentAt: new Date(0).toISOString() };
  const content = { type: "text", text: "Hello" } as const;
  return type === "incoming_message"
    ? { chat: peer, sender, messageId, type, data: { ...common, content, type: "incoming" } }
    : {
        chat: peer,
        sender,
        messageId,
        type,
        data: { ...common, content, type: "outgoing", to: peer, origin: "phone" },
      };
}

test("a sent message is kept byte for byte, for contacts that ask for it again", async () => {
  const { store } = newChannel();
  const message: proto.IMessage = {
    extendedTextMessage: { text: "Hello €" },
    messageContextInfo: { messageSecret: Buffer.from("00ff7f80", "hex") },
  };
  await store.sending(sentText("3EB0A", peer, "Hello €")[0], message);
  const kept = await store.sent("3EB0A");
  expect(Buffer.from(proto.Message.encode(kept?.message ?? {}).finish())).toEqual(
    Buffer.from(proto.Message.encode(message).finish()),
  );
  expect(kept?.chats).toEqual([peer]);
  expect(await store.sent("3EB0B")).toBeNull();
});

test("a second `sending` under the same id keeps the first message and its status", async () => {
  const { store } = newChannel();
  await store.sending(...sentText("3EB0A", peer, "first"));
  await store.raise("3EB0A", { status: "delivered" });
  await store.sending(...sentText("3EB0A", peer, "second"));
  expect((await store.sent("3EB0A"))?.message.conversation).toBe("first");
  expect(await store.rank("3EB0A")).toBe(messageStatusRank.delivered);
});

test("a status only rises, in whatever order updates arrive", async () => {
  const { channelId, store } = newChannel();
  await store.sending(...sentText("3EB0A", peer, "Hello"));
  for (const status of ["sent", "read", "delivered", "failed", "unknown"] as const) {
    await store.raise("3EB0A", { status });
  }
  expect(await store.rank("3EB0A")).toBe(messageStatusRank.read);
  expect(await file.all.messages.findOne({ channelId })).toMatchObject({ status: "read" });
});

test("an unknown message has no rank, and `raise` does not create it", async () => {
  const { channelId, store } = newChannel();
  await store.raise("3EB0A", { status: "read" });
  expect(await store.rank("3EB0A")).toBeNull();
  expect(await file.all.messages.countDocuments({ channelId })).toBe(0);
});

test("a redelivered message has one row, and the same id from another sender has its own", async () => {
  const { channelId, store } = newChannel();
  await Promise.all([1, 2, 3].map(() => store.seen(seen("incoming_message", "3EB0A", peer), encoded)));
  await store.seen(seen("incoming_message", "3EB0A", "15550100003@s.whatsapp.net"), encoded);
  expect(await file.all.messages.countDocuments({ channelId, direction: "in" })).toBe(2);
  expect(await store.rank("3EB0A")).toBeNull();
});

test("a message written on the phone starts as sent, and its status rises from there", async () => {
  const { channelId, store } = newChannel();
  await store.seen(seen("outgoing_message", "3EB0A", ownJid), encoded);
  expect(await store.rank("3EB0A")).toBe(messageStatusRank.sent);
  await store.raise("3EB0A", { status: "read" });
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
  await one.store.sending(...sentText("3EB0A", peer, "mine"));
  expect(await other.store.sent("3EB0A")).toBeNull();
  expect(await other.store.rank("3EB0A")).toBeNull();
});

test("a row tells what was said, by whom and to whom, and holds the message sealed and whole", async () => {
  const { channelId, store } = newChannel();
  const message = seen("incoming_message", "3EB0A", peer);
  const data = {
    ...message.data,
    replyTo: { messageId: "3EB0Q", sender: ownJid },
    expiresIn: 60,
    pushName: "Ada",
  };
  await store.seen({ ...message, data } as SeenContent, encoded);
  const row = await file.all.messages.findOne({ channelId });
  expect(row).toMatchObject({
    ...{ direction: "in", chat: peer, sender: peer, origin: "contact", type: "text", text: "Hello" },
    ...{
      content: { type: "text", text: "Hello" },
      pushName: "Ada",
      sentAt: new Date(0),
      expiresAt: new Date(60_000),
    },
    context: { replyTo: { messageId: "3EB0Q", sender: ownJid }, expiresIn: 60 },
  });
  expect(Date.now() - Number(row?.recordedAt)).toBeLessThan(60_000);
  const sealed = row?.proto;
  if (!row || !sealed) throw new Error("No message was kept");
  expect(Buffer.from(sealed.buffer).includes("Hello")).toBe(false);
  expect(Buffer.from(testSeal(channelId).open(row._id, sealed))).toEqual(Buffer.from(encoded));
});

test("a send is in the chat of the number that WhatsApp names, and is found under every address of it", async () => {
  const { channelId, store } = newChannel();
  const named = "15550100009@s.whatsapp.net";
  await store.sending(...sentText("3EB0A", peer, "Hello", { jid: named, via: "shop" }));
  await store.sending(...sentText("3EB0B", peer, "Hello", { jid: "4242@lid" }));
  const [number, lid] = await file.all.messages.find({ channelId }).sort({ _id: 1 }).toArray();
  expect(number).toMatchObject({ chat: named, to: peer, origin: "api", via: "shop" });
  expect(lid).toMatchObject({ chat: peer, sentTo: "4242@lid" });
  expect(await store.again("3EB0A")).toMatchObject({ to: peer, jid: named });
  expect(await store.again("3EB0B")).toMatchObject({ to: peer, jid: "4242@lid" });
  const fresh = createMessageStore(file.all, channelId, testSeal(channelId));
  const own = await fresh.own(["3EB0A", "3EB0B"]);
  expect(own.get("3EB0A")?.chats.toSorted()).toEqual([peer, named].toSorted());
  expect(own.get("3EB0B")?.chats).toEqual([peer, "4242@lid"]);
});

test("each status that a message had is kept once, with its time and its error", async () => {
  const { channelId, store } = newChannel();
  const at = (second: number) => new Date(second * 1_000);
  await store.sending(...sentText("3EB0A", peer, "Hello", { queuedAt: at(1) }));
  const error = { code: "whatsapp_rejected", whatsappCode: 463 };
  await Promise.all([
    store.raise("3EB0A", { status: "sent", at: at(2) }),
    store.raise("3EB0A", { status: "failed", at: at(3), error }),
    store.flush(),
  ]);
  // A repair raises again what a row may have already.
  for (const status of ["sent", "failed", "delivered"] as const) {
    void store.raise("3EB0A", { status, at: at(4) });
  }
  await store.flush();
  expect((await file.all.messages.findOne({ channelId }))?.history).toEqual([
    { status: "queued", at: at(1) },
    { status: "sent", at: at(2) },
    { status: "failed", at: at(3), error },
    { status: "delivered", at: at(4) },
  ]);
});

describe("a change of a message", () => {
  const at = (second: number) => new Date(second * 1_000).toISOString();
  const base = { messageId: "3EB0A", from: peer, sender: peer, author: peer };
  const by = { chats: [peer], authors: [peer] };
  const change = (type: SeenChange["type"], second: number, data: object, sender = peer) =>
    ({
      ...{ chat: peer, sender, messageId: `C${second}`, type },
      data: { ...base, sender, sentAt: at(second), ...data },
    }) as SeenChange;
  const edited = (text: string, second: number) =>
    change("message_edited", second, { message: text, content: { type: "text", text } });
  const opened = async () => {
    const { channelId, store } = newChannel();
    await store.seen(seen("incoming_message", "3EB0A", peer), encoded);
    const row = () => file.all.messages.findOne({ channelId, messageId: "3EB0A" });
    return { channelId, store, row };
  };

  test("is entered into its row: the newest edit, in whatever order they come", async () => {
    const { store, row } = await opened();
    for (const [text, second] of [
      ["second", 2],
      ["first", 1],
      ["second", 2],
    ] as const)
      await store.changed(edited(text, second), by);
    expect(await row()).toMatchObject({
      text: "second",
      content: { text: "second" },
      editedAt: new Date(2_000),
    });
  });

  test("that deletes it keeps what it said", async () => {
    const { store, row } = await opened();
    await store.changed(change("message_deleted", 3, {}), by);
    await store.changed(change("message_deleted", 4, {}), by);
    expect(await row()).toMatchObject({ text: "Hello", deletedAt: new Date(3_000) });
  });

  test("is one reaction of each sender, replaced and taken back", async () => {
    const { store, row } = await opened();
    const react = (emoji: string | null, second: number, sender = peer) =>
      store.changed(change("reaction", second, { emoji }, sender), by);
    await react("👍", 1);
    await react("$where", 2, "15550100003@s.whatsapp.net");
    await react("❤️", 3);
    await react("👍", 1);
    expect((await row())?.reactions?.map(({ emoji }) => emoji)).toEqual(["$where", "❤️"]);
    await react(null, 4);
    expect((await row())?.reactions?.map(({ emoji }) => emoji)).toEqual(["$where"]);
  });

  test("reaches its author's message only, under any address of the author, and one of ours", async () => {
    const { store, row } = await opened();
    await store.changed(edited("forged", 1), { chats: [peer], authors: ["15550100003@s.whatsapp.net"] });
    await store.changed(edited("forged", 1), { chats: [ownJid], authors: [peer] });
    await store.changed(edited("forged", 1), { chats: [peer], authors: null });
    expect((await row())?.text).toBe("Hello");
    await store.changed(edited("true", 1), { chats: [peer, "4242@lid"], authors: ["4242@lid", peer] });
    expect((await row())?.text).toBe("true");
    await store.sending(...sentText("3EB0OUT", peer, "Hello"));
    await store.changed(change("reaction", 1, { messageId: "3EB0OUT", emoji: "👍" }), {
      chats: [peer],
      authors: null,
    });
    expect(await file.all.messages.findOne({ messageId: "3EB0OUT" })).toMatchObject({
      reactions: [{ sender: peer, emoji: "👍", at: new Date(1_000) }],
    });
  });
});
