import { afterAll, beforeAll, expect, test } from "vitest";
import { proto } from "#connector/baileys/baileys.ts";
import { createMessageSeal } from "#connector/messages/message-seal.ts";
import { cleanCounts } from "../support/clean-counts.ts";
import { eventually } from "../support/eventually.ts";
import { pairedChannel, type TestChannel } from "../support/pairing.ts";
import { type OneProcess, startSystem } from "../support/system.ts";

const phoneNumber = "15550100451";
const contact = "15550100452";
const peer = `${contact}@s.whatsapp.net`;
const own = `${phoneNumber}@s.whatsapp.net`;
let system: OneProcess;
let channel: TestChannel;

beforeAll(async () => {
  system = await startSystem();
  channel = await pairedChannel(system, phoneNumber);
});

afterAll(async () => {
  await system[Symbol.asyncDispose]();
  expect(system.sandbox.counts.snapshot()).toMatchObject(cleanCounts);
});

const messages = () => `/channels/${channel.channelId}/messages`;
/** A message as callers read it, once it has all of these fields. */
async function kept(messageId: string, fields: object = {}) {
  return await eventually(async () => {
    const { body } = await system.api().get(`${messages()}/${messageId}`);
    expect(body.payload).toMatchObject(fields);
    return body.payload as unknown as Record<string, unknown>;
  });
}

/** The bytes of a message as the database has them, opened. */
async function wholeOf(messageId: string): Promise<Uint8Array> {
  const row = await system.collections.messages.findOne({ messageId });
  const document = await system.collections.channels.findOne({ _id: channel.channelId });
  if (!row?.proto || !document) throw new Error("The message is not kept");
  const seal = createMessageSeal({
    channel: document,
    masterKeys: system.config.encryptionKeys,
    save: () => Promise.reject(new Error("The channel has a key")),
  });
  return seal.open(row._id, row.proto);
}

const send = (message: proto.IMessage) => system.sandbox.account(contact).sendMessage(phoneNumber, message);

test("what a contact sends is kept, and what they change later is entered", async () => {
  const { id } = await send({ extendedTextMessage: { text: "Hello", contextInfo: { stanzaId: "3EB0Q" } } });
  await kept(id, {
    direction: "in",
    chat: peer,
    sender: peer,
    origin: "contact",
    message: "Hello",
    status: null,
  });
  const key = { remoteJid: own, fromMe: true, id };
  const { MESSAGE_EDIT, REVOKE } = proto.Message.ProtocolMessage.Type;
  await send({
    editedMessage: {
      message: { protocolMessage: { type: MESSAGE_EDIT, key, editedMessage: { conversation: "Hello!" } } },
    },
  });
  await send({ reactionMessage: { key, text: "👍" } });
  await send({ protocolMessage: { type: REVOKE, key } });
  const message = await kept(id, { message: "Hello!", deletedAt: expect.any(String) });
  expect(message).toMatchObject({
    content: { type: "text", text: "Hello!" },
    replyTo: { messageId: "3EB0Q" },
    editedAt: expect.any(String),
    reactions: [{ sender: peer, emoji: "👍" }],
  });
});

test("a message is kept whole, with its wrappers and what this version does not know of it", async () => {
  const account = system.sandbox.account(contact);
  const known = proto.Message.encode({
    viewOnceMessageV2: { message: { imageMessage: { caption: "Once" } } },
    messageContextInfo: { messageSecret: Buffer.alloc(32, 7) },
  }).finish();
  // Field 4,000 with the text "new".
  const unknown = Buffer.from("82fa01036e6577", "hex");
  const bytes = Buffer.concat([known, unknown]);
  const stanza = { tag: "message", attrs: { id: "3EB0WHOLE", type: "media", t: "1700000000" }, content: [] };
  await account.sendStanza(phoneNumber, stanza, { sealed: Buffer.concat([bytes, Buffer.of(1)]) });
  await kept("3EB0WHOLE", { content: { type: "image", viewOnce: true } });
  expect(Buffer.from(await wholeOf("3EB0WHOLE")).toString("hex")).toBe(bytes.toString("hex"));
});

test("what a program sends has its origin, its statuses with their times, and is kept as it left", async () => {
  const { body } = await system
    .api()
    .post(`/channels/${channel.channelId}/send`, { to: contact, message: "From us" });
  const { messageId } = body.payload as { messageId: string };
  const message = await kept(messageId, { status: "delivered" });
  expect(message).toMatchObject({
    ...{ direction: "out", chat: peer, sender: own, origin: "api", message: "From us" },
    content: { type: "text", text: "From us" },
    history: [
      { status: "queued", at: expect.any(String) },
      { status: "sent", at: expect.any(String) },
      { status: "delivered", at: expect.any(String) },
    ],
  });
  const decoded = proto.Message.decode(await wholeOf(messageId));
  expect(decoded.extendedTextMessage?.text ?? decoded.conversation).toBe("From us");
});

/** The events that tell of a message, in order. */
async function eventsOf(messageId: string) {
  const { body } = await system.api().get(`/channels/${channel.channelId}/events?limit=1000`);
  const events = body.payload as unknown as { type: string; data: Record<string, unknown> }[];
  return events.filter(({ data }) => data.messageId === messageId);
}

test("what a program sends is announced to every listener once, with its key's name, before its statuses", async () => {
  const { body } = await system
    .api()
    .post(`/channels/${channel.channelId}/send`, { to: contact, message: "Told" });
  const { messageId } = body.payload as { messageId: string };
  await kept(messageId, { status: "delivered", via: expect.any(String) });
  const [announced, ...updates] = await eventsOf(messageId);
  expect(announced).toMatchObject({
    type: "outgoing_message",
    data: { from: peer, to: peer, sender: own, message: "Told", origin: "api", via: expect.any(String) },
  });
  expect(updates.map(({ data }) => data.status)).toEqual(["sent", "delivered"]);
});

test("a send that cannot leave is announced too, then told as failed, and shown so", async () => {
  system.sandbox.notOnWhatsApp("15550100459");
  const answer = await system
    .api()
    .post(`/channels/${channel.channelId}/send`, { to: "15550100459", message: "Hello?" });
  const { messageId } = answer.body.error.details as { messageId: string };
  const [announced, ...updates] = await eventsOf(messageId);
  expect(announced).toMatchObject({ type: "outgoing_message", data: { message: "Hello?", origin: "api" } });
  expect(updates.map(({ data }) => data.status)).toEqual(["failed"]);
  const failed = { status: "failed", at: expect.any(String), error: { code: "recipient_not_on_whatsapp" } };
  const shown = await kept(messageId, { status: "failed", message: "Hello?", direction: "out" });
  expect(shown.history).toEqual([{ status: "queued", at: expect.any(String) }, failed]);
});

test("what the phone sends is kept as the phone's", async () => {
  const { id } = await system.sandbox.account(phoneNumber).sendText(contact, "By hand");
  await kept(id, { direction: "out", chat: peer, sender: own, origin: "phone", message: "By hand" });
});

test("the list of the chat has them all, newest first", async () => {
  const { body } = await system.api().get(`${messages()}?chat=${contact}`);
  const times = (body.payload as unknown as { sentAt: string }[]).map(({ sentAt }) => sentAt);
  expect(times.length).toBeGreaterThanOrEqual(4);
  expect(times).toEqual(times.toSorted().reverse());
});
