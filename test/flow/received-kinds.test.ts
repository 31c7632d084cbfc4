import { afterAll, beforeAll, expect, test } from "vitest";
import { proto } from "#connector/baileys/baileys.ts";
import { cleanCounts } from "../support/clean-counts.ts";
import { eventually } from "../support/eventually.ts";
import { pairedChannel, type TestChannel } from "../support/pairing.ts";
import { type OneProcess, startSystem } from "../support/system.ts";

const phoneNumber = "15550100441";
const contact = "15550100442";
const peer = `${contact}@s.whatsapp.net`;
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

/** The events that a message of this id has caused, as callers read them. */
async function eventsOf(messageId: string) {
  const { body } = await system.api().get(`/channels/${channel.channelId}/events?limit=1000`);
  const events = body.payload as unknown as { type: string; data: Record<string, unknown> }[];
  return events.filter(({ data }) => data.messageId === messageId);
}

const send = (message: proto.IMessage, options: { addressing?: "pn" | "lid"; id?: string } = {}) =>
  system.sandbox.account(contact).sendMessage(phoneNumber, message, options);
const told = (messageId: string, type = "incoming_message") =>
  eventually(async () => (await eventsOf(messageId)).find((event) => event.type === type));

test.each<[string, proto.IMessage, object]>([
  [
    "a place",
    { locationMessage: { degreesLatitude: 1.5, degreesLongitude: 2.5 } },
    { content: { type: "location", latitude: 1.5 } },
  ],
  [
    "a poll",
    { pollCreationMessageV3: { name: "When?", options: [{ optionName: "Mo" }] } },
    { content: { type: "poll", options: ["Mo"] }, message: "When?" },
  ],
  [
    "a sticker in a wrapper",
    { lottieStickerMessage: { message: { stickerMessage: { mimetype: "image/webp", isAnimated: true } } } },
    { content: { type: "sticker", isAnimated: true } },
  ],
  [
    "a tapped button",
    {
      buttonsResponseMessage: {
        selectedButtonId: "yes",
        selectedDisplayText: "Yes",
        contextInfo: { stanzaId: "3EB0B" },
      },
    },
    { content: { type: "button_reply", id: "yes" }, message: "Yes", replyTo: { messageId: "3EB0B" } },
  ],
])("%s reaches callers whole", async (_name, message, data) => {
  const { id } = await send(message);
  expect(await told(id)).toMatchObject({ data: { ...data, from: peer, sender: peer } });
});

test("an edit, a reaction and a deletion are events that name the message, and no messages", async () => {
  const { id } = await send({ conversation: "Hello" });
  const key = { remoteJid: `${phoneNumber}@s.whatsapp.net`, fromMe: true, id };
  const { MESSAGE_EDIT, REVOKE } = proto.Message.ProtocolMessage.Type;
  const editing = { type: MESSAGE_EDIT, key, editedMessage: { conversation: "Hello!" } };
  await send({ editedMessage: { message: { protocolMessage: editing } } });
  await send({ reactionMessage: { key, text: "👍" } }, { addressing: "lid" });
  await send({ protocolMessage: { type: REVOKE, key } });
  expect(await told(id, "message_deleted")).toMatchObject({ data: { from: peer, author: peer } });
  expect((await eventsOf(id)).map(({ type }) => type)).toEqual([
    "incoming_message",
    "message_edited",
    "reaction",
    "message_deleted",
  ]);
  expect(await told(id, "message_edited")).toMatchObject({ data: { message: "Hello!" } });
  expect(await told(id, "reaction")).toMatchObject({ data: { from: peer, author: peer, emoji: "👍" } });
});

test("a vote and a reaction without a key reach callers, although nobody can read the one or place the other", async () => {
  const { id } = await send({ pollCreationMessageV3: { name: "When?", options: [{ optionName: "Mo" }] } });
  const pollCreationMessageKey = { remoteJid: `${phoneNumber}@s.whatsapp.net`, fromMe: true, id };
  const vote = { encPayload: Buffer.of(1), encIv: Buffer.of(2) };
  await send({ pollUpdateMessage: { pollCreationMessageKey, vote } });
  expect(await told(id, "poll_vote")).toMatchObject({
    data: { from: peer, sender: peer, author: peer, unavailable: "undecryptable" },
  });
  const keyless = await send({ reactionMessage: { text: "👍" } });
  expect(await told(keyless.id)).toMatchObject({
    data: { from: peer, content: { type: "unsupported", kind: "reactionMessage" } },
  });
});

test("a message to view once, which WhatsApp keeps from linked devices, is told without its content", async () => {
  const content = [{ tag: "unavailable", attrs: { type: "view_once" } }];
  const attrs = { id: "3EB0VIEW", type: "media", t: "1700000000" };
  await system.sandbox.account(contact).sendStanza(phoneNumber, { tag: "message", attrs, content });
  expect(await told("3EB0VIEW")).toMatchObject({
    data: { from: peer, message: "", content: { type: "unavailable", reason: "view_once" } },
  });
});

test("a message in a group comes with its chat and its author, and so does its reaction", async () => {
  const account = system.sandbox.account(contact);
  const group = account.createGroup("Neighbours", [phoneNumber]);
  const { id } = await account.sendText(group.id, "To all");
  expect(await told(id)).toMatchObject({
    data: { from: group.id, sender: peer, phoneNumber: contact, message: "To all" },
  });
  const key = { remoteJid: group.id, fromMe: true, id };
  await account.sendMessage(group.id, { reactionMessage: { key, text: "👍" } });
  expect(await told(id, "reaction")).toMatchObject({
    data: { from: group.id, sender: peer, author: peer, emoji: "👍" },
  });
});

test("changes of a group are told in its chat, in order", async () => {
  const account = system.sandbox.account(contact);
  const group = account.createGroup("Allotments", [phoneNumber]);
  account.addToGroup(group.id, "15550100443");
  account.removeFromGroup(group.id, "15550100443");
  const people = ["15550100443@s.whatsapp.net"];
  const notices = await eventually(async () => {
    const { body } = await system.api().get(`/channels/${channel.channelId}/events?limit=1000`);
    const events = body.payload as unknown as { type: string; data: Record<string, unknown> }[];
    const found = events.filter(({ data }) => data.from === group.id);
    return found.length >= 3 && found;
  });
  expect(notices).toMatchObject([
    {
      type: "incoming_message",
      data: { sender: peer, content: { action: "created", subject: "Allotments" } },
    },
    { data: { sender: peer, message: "", content: { type: "group_notice", action: "added", people } } },
    { data: { sender: peer, content: { type: "group_notice", action: "removed", people } } },
  ]);
});

test("a message to a broadcast list that the channel is on comes in its author's chat", async () => {
  const account = system.sandbox.account(contact);
  const stanza = { tag: "message", attrs: { id: "3EB0LIST", type: "text", t: "1700000000" }, content: [] };
  const sealed = Buffer.concat([proto.Message.encode({ conversation: "To all" }).finish(), Buffer.of(1)]);
  await account.sendStanza(phoneNumber, stanza, { group: "1700000000@broadcast", sealed });
  expect(await told("3EB0LIST")).toMatchObject({ data: { from: peer, sender: peer, message: "To all" } });
});

test("a person whose number is known has it as their name, although the message comes from the LID alone", async () => {
  const account = system.sandbox.account(contact);
  const stanza = { tag: "message", attrs: { id: "3EB0LID", type: "text", t: "1700000000" }, content: [] };
  const contextInfo = { mentionedJid: [account.lid] };
  const message = { extendedTextMessage: { text: "It is me", contextInfo } };
  const sealed = Buffer.concat([proto.Message.encode(message).finish(), Buffer.of(1)]);
  await account.sendStanza(phoneNumber, stanza, { addressing: "lid", sealed });
  expect(await told("3EB0LID")).toMatchObject({
    data: { from: peer, sender: peer, phoneNumber: contact, lid: account.lid, mentions: [peer] },
  });
});

test("one message by number and again by LID is told once", async () => {
  const { id } = await send({ conversation: "Once" }, { id: "3EB0ONCE" });
  await send({ conversation: "Once" }, { id, addressing: "lid" });
  const after = await send({ conversation: "After" });
  await told(after.id);
  expect(await eventsOf(id)).toHaveLength(1);
});
