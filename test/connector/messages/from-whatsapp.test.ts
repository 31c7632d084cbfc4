import { describe, expect, test } from "vitest";
import { proto, type WAMessage } from "#connector/baileys/baileys.ts";
import { deduplicationId } from "#connector/messages/deduplication-id.ts";
import { fromWhatsApp } from "#connector/messages/from-whatsapp.ts";

const peer = "15550100001@s.whatsapp.net";
const lid = "4242@lid";
const ownJid = "15550100002@s.whatsapp.net";

function message(body: proto.IMessage, key: Partial<WAMessage["key"]> = {}): WAMessage {
  return {
    key: { remoteJid: peer, fromMe: false, id: "3EB0A", ...key },
    message: body,
    messageTimestamp: 1_700_000_000,
  };
}

const convert = (body: proto.IMessage, key?: Partial<WAMessage["key"]>) =>
  fromWhatsApp(message(body, key), ownJid);

describe("addresses", () => {
  test("an incoming message names its chat and everything known about its sender", () => {
    expect(convert({ conversation: "Hello" }, { remoteJidAlt: lid })).toEqual({
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
  ])("a message from $remoteJid, alternatively $remoteJidAlt, is from $from", ({ from, known, ...key }) => {
    expect(convert({ conversation: "Hello" }, key)?.data).toMatchObject({ from, sender: from, ...known });
  });

  test("a message written on another device of the account is outgoing", () => {
    expect(convert({ conversation: "Hello" }, { fromMe: true })).toMatchObject({
      type: "outgoing_message",
      sender: ownJid,
      data: { from: peer, to: peer, sender: ownJid, type: "outgoing" },
    });
  });
});

const file = { mimetype: "image/png", fileLength: 1234, caption: "look", fileName: "a.png" };
const attachment = { mimetype: "image/png", sizeBytes: 1234 };

describe("content", () => {
  test.each<[string, proto.IMessage, object, string]>([
    ["a text", { conversation: "Hi" }, { type: "text", text: "Hi" }, "Hi"],
    ["a long text", { extendedTextMessage: { text: "Hi" } }, { type: "text", text: "Hi" }, "Hi"],
    ["an empty text", { conversation: "" }, { type: "text", text: "" }, ""],
    [
      "a picture",
      { imageMessage: file },
      { type: "image", ...attachment, caption: "look", fileName: "a.png" },
      "look",
    ],
    [
      "a video",
      { videoMessage: { ...file, caption: null } },
      { type: "video", ...attachment, fileName: "a.png" },
      "",
    ],
    [
      "an audio file",
      { audioMessage: { mimetype: "audio/mp4" } },
      { type: "audio", mimetype: "audio/mp4", sizeBytes: null },
      "",
    ],
    ["a voice note", { audioMessage: { ptt: true } }, { type: "voice", mimetype: null, sizeBytes: null }, ""],
    [
      "a document",
      { documentMessage: file },
      { type: "document", ...attachment, caption: "look", fileName: "a.png" },
      "look",
    ],
    [
      "a sticker",
      { stickerMessage: { mimetype: "image/webp" } },
      { type: "sticker", mimetype: "image/webp", sizeBytes: null },
      "",
    ],
    [
      "a message of another kind",
      { locationMessage: { name: "here" } },
      { type: "unsupported", kind: "locationMessage" },
      "",
    ],
  ])("%s is converted", (_name, body, content, text) => {
    expect(convert(body)?.data).toMatchObject({ content, message: text });
    expect(convert(body)?.data.content).toEqual(content);
  });

  test("a 64-bit size is converted to a number", () => {
    const body = proto.Message.decode(
      proto.Message.encode({ imageMessage: { fileLength: 5_000_000_000 } }).finish(),
    );
    expect(convert(body)?.data.content).toMatchObject({ type: "image", sizeBytes: 5_000_000_000 });
  });

  test.each<[string, (inner: proto.IMessage) => proto.IMessage]>([
    ["that disappears", (inner) => ({ ephemeralMessage: { message: inner } })],
    ["to view once", (inner) => ({ viewOnceMessage: { message: inner } })],
    ["to view once, in the newer form", (inner) => ({ viewOnceMessageV2: { message: inner } })],
    ["to listen to once", (inner) => ({ viewOnceMessageV2Extension: { message: inner } })],
    ["with a caption", (inner) => ({ documentWithCaptionMessage: { message: inner } })],
    ["from another device", (inner) => ({ deviceSentMessage: { destinationJid: peer, message: inner } })],
    [
      "in several wrappers",
      (inner) => ({ ephemeralMessage: { message: { viewOnceMessage: { message: inner } } } }),
    ],
  ])("a message %s is unwrapped", (_name, wrap) => {
    const body = { ...wrap({ conversation: "inside" }), messageContextInfo: {} };
    expect(convert(body)?.data.content).toEqual({ type: "text", text: "inside" });
  });
});

describe("`fromWhatsApp` returns null for", () => {
  test.each<[string, WAMessage]>([
    ["a placeholder for a message that could not be decrypted", { key: message({}).key, messageStubType: 2 }],
    ["bookkeeping", message({ protocolMessage: { type: 0 }, messageContextInfo: {} })],
    ["a key for a group", message({ senderKeyDistributionMessage: { groupId: "1@g.us" } })],
    ["an empty message", message({})],
    ["a message in a group", message({ conversation: "Hi" }, { remoteJid: "1203@g.us" })],
    ["a status of a contact", message({ conversation: "Hi" }, { remoteJid: "status@broadcast" })],
    ["a newsletter", message({ conversation: "Hi" }, { remoteJid: "1203@newsletter" })],
    ["a message without a chat", message({ conversation: "Hi" }, { remoteJid: null })],
    ["a message without an id", message({ conversation: "Hi" }, { id: null })],
  ])("%s", (_name, one) => {
    expect(fromWhatsApp(one, ownJid)).toBeNull();
  });
});

test.each([Number.NaN, Number.POSITIVE_INFINITY, 1e18, 253_402_300_800, -1, null, undefined])(
  "a message with the timestamp %s is converted, dated at the Unix epoch",
  (messageTimestamp) => {
    const { messageTimestamp: _, ...rest } = message({ conversation: "Hello" });
    const one = { ...rest, ...(messageTimestamp === undefined ? {} : { messageTimestamp }) };
    expect(fromWhatsApp(one, ownJid)?.data.sentAt).toBe("1970-01-01T00:00:00.000Z");
  },
);

test("a placeholder for a message that was too large is told as such", () => {
  const seen = convert({ placeholderMessage: { type: 1_000 as number } });
  expect(seen?.data).toMatchObject({ message: "", content: { type: "unavailable", reason: "too_large" } });
});

test("a message of any size, nesting and id is converted", () => {
  let nested: proto.IMessage = { conversation: "deep" };
  for (let depth = 0; depth < 3_000; depth++) nested = { ephemeralMessage: { message: nested } };
  expect(convert(nested)?.data.message).toBe("deep");
  expect(convert({ conversation: "Hello" }, { id: "M".repeat(1_000_000) })?.messageId).toHaveLength(256);
});

test("the event id of a message is stable and unique", () => {
  const idOf = (channelId: string, key: Partial<WAMessage["key"]>) => {
    const seen = convert({ conversation: "Hello" }, key);
    if (!seen) throw new Error("The message was not converted");
    return deduplicationId(channelId, seen);
  };
  const keys = [{}, { id: "3EB0B" }, { remoteJid: lid }, { fromMe: true }];
  const ids = ["one", "two"].flatMap((channelId) => keys.map((key) => idOf(channelId, key)));
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids).toEqual(["one", "two"].flatMap((channelId) => keys.map((key) => idOf(channelId, key))));
});
