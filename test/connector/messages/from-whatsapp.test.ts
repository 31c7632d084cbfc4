import { describe, expect, test } from "vitest";
import { proto, type WAMessage } from "#connector/baileys/baileys.ts";
import { fromWhatsApp, seenEventId } from "#connector/messages/from-whatsapp.ts";

const peer = "15550100001@s.whatsapp.net";
const lid = "4242@lid";
const self = "15550100002@s.whatsapp.net";

function message(body: proto.IMessage, key: Partial<WAMessage["key"]> = {}): WAMessage {
  return {
    key: { remoteJid: peer, fromMe: false, id: "3EB0A", ...key },
    message: body,
    messageTimestamp: 1_700_000_000,
  };
}

const see = (body: proto.IMessage, key?: Partial<WAMessage["key"]>) => fromWhatsApp(message(body, key), self);

describe("who wrote", () => {
  test("an incoming message names its chat, and what is known of the sender", () => {
    expect(see({ conversation: "Hello" }, { remoteJidAlt: lid })).toEqual({
      chat: peer,
      sender: peer,
      messageId: "3EB0A",
      type: "incoming_message",
      data: {
        messageId: "3EB0A",
        from: peer,
        sender: peer,
        phoneNumber: "15550100001",
        lid,
        message: "Hello",
        content: { type: "text", text: "Hello" },
        sentAt: "2023-11-14T22:13:20.000Z",
        type: "incoming",
      },
    });
  });

  test.each<{ remoteJid: string; remoteJidAlt?: string; from: string; known: object }>([
    { remoteJid: lid, remoteJidAlt: peer, from: peer, known: { phoneNumber: "15550100001", lid } },
    { remoteJid: lid, from: lid, known: { lid } },
    { remoteJid: peer, from: peer, known: { phoneNumber: "15550100001" } },
    { remoteJid: "15550100001:3@s.whatsapp.net", from: peer, known: { phoneNumber: "15550100001" } },
  ])("from $remoteJid with $remoteJidAlt is $from", ({ from, known, ...key }) => {
    expect(see({ conversation: "Hello" }, key)?.data).toMatchObject({ from, sender: from, ...known });
  });

  test("a message of our own account, written elsewhere, is outgoing", () => {
    expect(see({ conversation: "Hello" }, { fromMe: true })).toMatchObject({
      type: "outgoing_message",
      sender: self,
      data: { from: peer, to: peer, sender: self, type: "outgoing" },
    });
  });
});

const file = { mimetype: "image/png", fileLength: 1234, caption: "look", fileName: "a.png" };
const bare = { mimetype: "image/png", sizeBytes: 1234 };

describe("what it says", () => {
  test.each<[string, proto.IMessage, object, string]>([
    ["a text", { conversation: "Hi" }, { type: "text", text: "Hi" }, "Hi"],
    ["a long text", { extendedTextMessage: { text: "Hi" } }, { type: "text", text: "Hi" }, "Hi"],
    ["an empty text", { conversation: "" }, { type: "text", text: "" }, ""],
    [
      "a picture",
      { imageMessage: file },
      { type: "image", ...bare, caption: "look", fileName: "a.png" },
      "look",
    ],
    [
      "a video",
      { videoMessage: { ...file, caption: null } },
      { type: "video", ...bare, fileName: "a.png" },
      "",
    ],
    [
      "sound",
      { audioMessage: { mimetype: "audio/mp4" } },
      { type: "audio", mimetype: "audio/mp4", sizeBytes: null },
      "",
    ],
    ["a voice note", { audioMessage: { ptt: true } }, { type: "voice", mimetype: null, sizeBytes: null }, ""],
    [
      "a document",
      { documentMessage: file },
      { type: "document", ...bare, caption: "look", fileName: "a.png" },
      "look",
    ],
    [
      "a sticker",
      { stickerMessage: { mimetype: "image/webp" } },
      { type: "sticker", mimetype: "image/webp", sizeBytes: null },
      "",
    ],
    [
      "another kind",
      { locationMessage: { name: "here" } },
      { type: "unsupported", kind: "locationMessage" },
      "",
    ],
  ])("%s", (_what, body, content, text) => {
    expect(see(body)?.data).toMatchObject({ content, message: text });
    expect(see(body)?.data.content).toEqual(content);
  });

  test("sizes that came over the wire as 64 bits are numbers", () => {
    const body = proto.Message.decode(
      proto.Message.encode({ imageMessage: { fileLength: 5_000_000_000 } }).finish(),
    );
    expect(see(body)?.data.content).toMatchObject({ type: "image", sizeBytes: 5_000_000_000 });
  });

  test.each<[string, (inner: proto.IMessage) => proto.IMessage]>([
    ["that disappears", (inner) => ({ ephemeralMessage: { message: inner } })],
    ["to see once", (inner) => ({ viewOnceMessage: { message: inner } })],
    ["to see once, newer", (inner) => ({ viewOnceMessageV2: { message: inner } })],
    ["to hear once", (inner) => ({ viewOnceMessageV2Extension: { message: inner } })],
    ["with a caption", (inner) => ({ documentWithCaptionMessage: { message: inner } })],
    ["from another device", (inner) => ({ deviceSentMessage: { destinationJid: peer, message: inner } })],
    [
      "in several wrappings",
      (inner) => ({ ephemeralMessage: { message: { viewOnceMessage: { message: inner } } } }),
    ],
  ])("a message %s is what is in it", (_what, wrap) => {
    const body = { ...wrap({ conversation: "inside" }), messageContextInfo: {} };
    expect(see(body)?.data.content).toEqual({ type: "text", text: "inside" });
  });
});

describe("what is no message", () => {
  test.each<[string, WAMessage]>([
    ["a placeholder for what could not be decrypted", { key: message({}).key, messageStubType: 2 }],
    ["bookkeeping", message({ protocolMessage: { type: 0 }, messageContextInfo: {} })],
    ["a key for a group", message({ senderKeyDistributionMessage: { groupId: "1@g.us" } })],
    ["nothing at all", message({})],
    ["a group", message({ conversation: "Hi" }, { remoteJid: "1203@g.us" })],
    ["a status", message({ conversation: "Hi" }, { remoteJid: "status@broadcast" })],
    ["a channel of news", message({ conversation: "Hi" }, { remoteJid: "1203@newsletter" })],
    ["no chat", message({ conversation: "Hi" }, { remoteJid: null })],
    ["no id", message({ conversation: "Hi" }, { id: null })],
  ])("%s", (_what, one) => {
    expect(fromWhatsApp(one, self)).toBeNull();
  });
});

test.each([Number.NaN, Number.POSITIVE_INFINITY, 1e18, null, undefined])(
  "a message with %s for a time counts all the same",
  (messageTimestamp) => {
    const { messageTimestamp: _, ...rest } = message({ conversation: "Hello" });
    const one = { ...rest, ...(messageTimestamp === undefined ? {} : { messageTimestamp }) };
    expect(fromWhatsApp(one, self)?.data.sentAt).toBe("1970-01-01T00:00:00.000Z");
  },
);

test("a message keeps its event's id, and shares it with no other", () => {
  const idOf = (channelId: string, key: Partial<WAMessage["key"]>) => {
    const seen = see({ conversation: "Hello" }, key);
    if (!seen) throw new Error("This is a message");
    return seenEventId(channelId, seen);
  };
  const keys = [{}, { id: "3EB0B" }, { remoteJid: lid }, { fromMe: true }];
  const ids = ["one", "two"].flatMap((channelId) => keys.map((key) => idOf(channelId, key)));
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids).toEqual(["one", "two"].flatMap((channelId) => keys.map((key) => idOf(channelId, key))));
});
