import { describe, expect, test } from "vitest";
import { proto, type WAMessage } from "#connector/baileys/baileys.ts";
import { isFitting } from "#connector/events/event-size.ts";
import { deduplicationId } from "#connector/messages/deduplication-id.ts";
import { fromWhatsApp, withoutContent } from "#connector/messages/from-whatsapp/from-whatsapp.ts";
import { withKnownNumbers } from "#connector/messages/from-whatsapp/with-known-numbers.ts";
import { messageEvents } from "#shared/message-events.ts";
import {
  account,
  arrived,
  convert,
  dataOf,
  lid,
  message,
  ownJid,
  ownLid,
  peer,
} from "./received-messages.fixture.ts";

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

describe("changes of an earlier message", () => {
  const { REVOKE, MESSAGE_EDIT } = proto.Message.ProtocolMessage.Type;
  const key = (fromMe: boolean) => ({ remoteJid: peer, fromMe, id: "3EB0ORIGINAL" });
  const edit = (fromMe: boolean): proto.IMessage => ({
    protocolMessage: { type: MESSAGE_EDIT, key: key(fromMe), editedMessage: { conversation: "Hello!" } },
  });
  const revoke = (fromMe: boolean) => ({ protocolMessage: { type: REVOKE, key: key(fromMe) } });

  test.each<[string, proto.IMessage, string, object]>([
    [
      "an edit",
      edit(true),
      "message_edited",
      { author: peer, message: "Hello!", content: { type: "text", text: "Hello!" } },
    ],
    [
      "an edit in its wrapper",
      { editedMessage: { message: edit(true) } },
      "message_edited",
      { author: peer, message: "Hello!" },
    ],
    ["a deletion", revoke(true), "message_deleted", { author: peer }],
    [
      "a reaction to ours",
      { reactionMessage: { key: key(true), text: "👍" } },
      "reaction",
      { author: ownJid, emoji: "👍" },
    ],
    [
      "a reaction to theirs",
      { reactionMessage: { key: key(false), text: "👍" } },
      "reaction",
      { author: peer, emoji: "👍" },
    ],
    [
      "a reaction that is taken back",
      { reactionMessage: { key: key(true), text: "" } },
      "reaction",
      { emoji: null },
    ],
    [
      "a pin",
      {
        pinInChatMessage: { key: key(true), type: proto.Message.PinInChatMessage.Type.PIN_FOR_ALL },
        messageContextInfo: { messageAddOnDurationInSecs: 604_800 },
      },
      "message_pinned",
      { author: peer, isPinned: true, forSeconds: 604_800 },
    ],
    [
      "a message that is kept",
      { keepInChatMessage: { key: key(false), keepType: proto.KeepType.KEEP_FOR_ALL } },
      "message_kept",
      { author: ownJid, isKept: true },
    ],
  ])("%s is an event of its own, which names the earlier message", (_name, body, type, data) => {
    expect(convert(body)).toMatchObject({
      type,
      messageId: "3EB0A",
      data: { messageId: "3EB0ORIGINAL", from: peer, sender: peer, ...data },
    });
    expect(convert(body)?.data).not.toHaveProperty("type");
  });

  test("from another device of the account, the key is written from our side", () => {
    expect(convert(revoke(true), { fromMe: true })?.data).toMatchObject({ sender: ownJid, author: ownJid });
    const reaction = { reactionMessage: { key: key(false), text: "👍" } };
    expect(convert(reaction, { fromMe: true })?.data).toMatchObject({ sender: ownJid, author: peer });
  });

  test.each([edit(false), revoke(false)])("nobody else's message is edited or deleted", (body) => {
    expect(convert(body)).toBeNull();
    expect(convert(body, { fromMe: true })).toBeNull();
  });
});

describe("what a message says about others", () => {
  const contextInfo = {
    ...{ stanzaId: "3EB0B", participant: "15550100002:3@s.whatsapp.net" },
    mentionedJid: [peer, peer, "nobody"],
    ...{ isForwarded: true, expiration: 86_400 },
    externalAdReply: {
      sourceId: "120",
      ctwaClid: "click",
      sourceUrl: "https://a.example",
      title: "Coffee",
      body: "Now",
    },
  };

  test("its answer, its mentions, its timer, that it was forwarded, and the advertisement it comes from", () => {
    expect(convert({ imageMessage: { caption: "look", contextInfo } })?.data).toMatchObject({
      replyTo: { messageId: "3EB0B", sender: ownJid },
      mentions: [peer],
      forwarded: true,
      expiresIn: 86_400,
      referral: {
        sourceId: "120",
        clickId: "click",
        url: "https://a.example",
        headline: "Coffee",
        body: "Now",
      },
    });
  });

  test("that it answers something elsewhere: a status, or in private what was said in a group", () => {
    const answering = (remoteJid: string) =>
      dataOf({ extendedTextMessage: { text: "Nice", contextInfo: { ...contextInfo, remoteJid } } });
    for (const chat of ["status@broadcast", "120363000000000001@g.us"])
      expect(answering(chat)).toMatchObject({ replyTo: { messageId: "3EB0B", sender: ownJid, chat } });
    expect(answering(peer).replyTo).toEqual({ messageId: "3EB0B", sender: ownJid });
    const inGroup = { remoteJid: "1203@g.us", participant: peer };
    const body = {
      extendedTextMessage: { text: "Yes", contextInfo: { stanzaId: "3EB0B", remoteJid: "1203@g.us" } },
    };
    expect(dataOf(body, inGroup).replyTo).toEqual({ messageId: "3EB0B" });
  });

  test("that it mentions everybody in the group", () => {
    const body = { extendedTextMessage: { text: "@all", contextInfo: { nonJidMentions: 1 } } };
    const data = dataOf(body);
    expect(data).toMatchObject({ mentions: "all" });
    expect(messageEvents.incoming_message.schema.strict().parse(data)).toEqual(data);
  });

  test("at most 1,024 mentions", () => {
    const mentionedJid = Array.from({ length: 1_100 }, (_, index) => `${index + 1}@lid`);
    const { mentions } = {
      ...convert({ extendedTextMessage: { text: "@", contextInfo: { mentionedJid } } })?.data,
    } as {
      mentions?: string[];
    };
    expect(mentions).toHaveLength(1_024);
  });

  test("nothing when there is nothing, and a preview of a link is no advertisement", () => {
    const body = { extendedTextMessage: { text: "Hi", contextInfo: { externalAdReply: { title: "A" } } } };
    const { data } = convert(body) ?? {};
    for (const name of ["replyTo", "mentions", "forwarded", "expiresIn", "referral", "pushName"])
      expect(data).not.toHaveProperty(name);
  });

  test("the name that its author gives themselves", () => {
    const one = message({ conversation: "Hello" }, { pushName: "Ada" });
    expect(fromWhatsApp(one, account)?.data.pushName).toBe("Ada");
  });
});

describe("one name for a person", () => {
  const numbers = new Map([[lid, peer]]);
  const named = async (body: proto.IMessage, key: Partial<WAMessage["key"]> = {}) => {
    const seen = convert(body, key);
    if (!seen) throw new Error("The message was not converted");
    return withKnownNumbers(seen, numbers);
  };

  test("a message under a LID whose number is known is the number's, under the same event id", async () => {
    const [byNumber, byLid] = [
      await named({ conversation: "Hi" }),
      await named({ conversation: "Hi" }, { remoteJid: lid }),
    ];
    expect(byLid).toMatchObject({
      chat: peer,
      data: { from: peer, sender: peer, phoneNumber: "15550100001", lid },
    });
    expect(deduplicationId("one", byLid)).toBe(deduplicationId("one", byNumber));
  });

  test("whom a message mentions, answers or changes is named alike", async () => {
    const contextInfo = { mentionedJid: [lid, "9@lid"], stanzaId: "3EB0B", participant: lid };
    const { data } = await named({ extendedTextMessage: { text: "@4242", contextInfo } });
    expect(data).toMatchObject({ mentions: [peer, "9@lid"], replyTo: { sender: peer } });
    const key = { fromMe: true, id: "3EB0B" };
    const editedMessage = { extendedTextMessage: { text: "@4242", contextInfo } };
    const edit = { protocolMessage: { type: 14, key, editedMessage } };
    expect((await named(edit)).data).toMatchObject({ author: peer, mentions: [peer, "9@lid"] });
    const reaction = { reactionMessage: { key: { fromMe: false, id: "3EB0B" }, text: "👍" } };
    expect((await named(reaction, { remoteJid: lid })).data).toMatchObject({ from: peer, author: peer });
  });

  test("a person who is mentioned by number and by LID is mentioned once", async () => {
    const contextInfo = { mentionedJid: [lid, peer, "9@lid"] };
    const { data } = await named({ extendedTextMessage: { text: "@", contextInfo } });
    expect(data).toMatchObject({ mentions: [peer, "9@lid"] });
  });

  test("the seller of an order is named alike", async () => {
    const { data } = await named({ orderMessage: { orderId: "7", sellerJid: lid } });
    expect(data).toMatchObject({ content: { type: "order", seller: peer } });
  });

  test("a person whose number is not known keeps the LID", async () => {
    expect((await named({ conversation: "Hi" }, { remoteJid: "9@lid" })).data).toMatchObject({
      from: "9@lid",
      lid: "9@lid",
    });
  });
});

describe("in a group, and among statuses", () => {
  const author = "15550100007@s.whatsapp.net";
  test.each(["120363000000000001@g.us", "status@broadcast"])(
    "%s, a message names its chat and its author",
    (remoteJid) => {
      const key = { remoteJid, participant: "77@lid", participantAlt: author };
      expect(convert({ conversation: "Hi" }, key)).toMatchObject({
        ...{ chat: remoteJid, sender: author, type: "incoming_message" },
        data: { from: remoteJid, sender: author, phoneNumber: "15550100007", lid: "77@lid" },
      });
      expect(convert({ conversation: "Hi" }, { ...key, fromMe: true })).toMatchObject({
        ...{ chat: remoteJid, sender: ownJid, type: "outgoing_message" },
        data: { from: remoteJid, to: remoteJid, sender: ownJid },
      });
    },
  );

  test("an administrator deletes what others wrote, and nobody edits it", () => {
    const key = { remoteJid: "1203@g.us", participant: peer };
    const target = {
      remoteJid: "1203@g.us",
      fromMe: false,
      id: "3EB0B",
      participant: "15550100007:2@s.whatsapp.net",
    };
    const { REVOKE, MESSAGE_EDIT } = proto.Message.ProtocolMessage.Type;
    const deletion = { protocolMessage: { type: REVOKE, key: target } };
    expect(arrived(deletion, { key, stanza: { edit: "8" } })).toMatchObject({
      type: "message_deleted",
      data: { messageId: "3EB0B", sender: peer, author },
    });
    for (const stanza of [{}, { edit: "7" }]) expect(arrived(deletion, { key, stanza })).toBeNull();
    const inStatus = { ...key, remoteJid: "status@broadcast" };
    expect(arrived(deletion, { key: inStatus, stanza: { edit: "8" } })).toBeNull();
    const editing = { type: MESSAGE_EDIT, key: target, editedMessage: { conversation: "!" } };
    expect(arrived({ protocolMessage: editing }, { key, stanza: { edit: "8" } })).toBeNull();
  });
});

test("a message to a broadcast list is one in its author's chat", () => {
  const key = { remoteJid: "1700000000@broadcast", participant: lid, participantAlt: peer };
  expect(convert({ conversation: "To all" }, key)).toMatchObject({
    chat: peer,
    type: "incoming_message",
    data: { from: peer, sender: peer, phoneNumber: "15550100001", lid },
  });
});

test("the other address of a broadcast's author stands beside the list's", () => {
  const key = { participant: lid, remoteJidAlt: peer };
  for (const remoteJid of ["1700000000@broadcast", "status@broadcast"]) {
    expect(convert({ conversation: "To all" }, { ...key, remoteJid })).toMatchObject({
      data: { sender: peer, phoneNumber: "15550100001", lid },
    });
  }
});

test.each([ownJid, ownLid])(
  "what %s posts is outgoing, to the statuses or to a broadcast list",
  (participant) => {
    for (const remoteJid of ["status@broadcast", "1700000000@broadcast"]) {
      const key = { remoteJid, participant, fromMe: participant === ownJid };
      expect(convert({ conversation: "To all" }, key)).toMatchObject({
        ...{ chat: remoteJid, sender: ownJid, type: "outgoing_message" },
        data: { from: remoteJid, to: remoteJid, sender: ownJid, type: "outgoing" },
      });
    }
  },
);

describe("`fromWhatsApp` returns null for", () => {
  test.each<[string, WAMessage]>([
    ["a placeholder for a message that could not be decrypted", { key: message({}).key, messageStubType: 2 }],
    ["bookkeeping", message({ protocolMessage: { type: 0 }, messageContextInfo: {} })],
    ["a key for a group", message({ senderKeyDistributionMessage: { groupId: "1@g.us" } })],
    ["an empty message", message({})],
    [
      "a message in a group without an author",
      message({ conversation: "Hi" }, { key: { remoteJid: "1203@g.us" } }),
    ],
    ["a newsletter", message({ conversation: "Hi" }, { key: { remoteJid: "1203@newsletter" } })],
    ["a message without a chat", message({ conversation: "Hi" }, { key: { remoteJid: null } })],
    ["a message without an id", message({ conversation: "Hi" }, { key: { id: null } })],
  ])("%s", (_name, one) => {
    expect(fromWhatsApp(one, account)).toBeNull();
  });
});

test.each([Number.NaN, Number.POSITIVE_INFINITY, 1e18, 253_402_300_800, -1, null, undefined])(
  "a message with the timestamp %s is converted, dated at the Unix epoch",
  (messageTimestamp) => {
    const { messageTimestamp: _, ...rest } = message({ conversation: "Hello" });
    const one = { ...rest, ...(messageTimestamp === undefined ? {} : { messageTimestamp }) };
    expect(fromWhatsApp(one, account)?.data.sentAt).toBe("1970-01-01T00:00:00.000Z");
  },
);

test("what stands beside the content is cut, so that an event without its content fits into the log", () => {
  const long = "👍".repeat(1_000_000);
  const key = { remoteJid: peer, fromMe: true, id: long };
  const contextInfo = { stanzaId: long, mentionedJid: [long], externalAdReply: { sourceId: long } };
  const bodies: proto.IMessage[] = [
    { reactionMessage: { key, text: long } },
    { pinInChatMessage: { key, type: 1 } },
    { imageMessage: { caption: long, contextInfo } },
    { protocolMessage: { type: 14, key, editedMessage: { conversation: long } } },
  ];
  for (const body of bodies) {
    const seen = fromWhatsApp(message(body, { pushName: long }), account);
    if (!seen) throw new Error("The message was not converted");
    expect(isFitting({ ...withoutContent(seen).data })).toBe(true);
  }
});

test("a contact card of any form is read; with a quadratic expression it takes minutes", () => {
  const vcard = `ORG:${";".repeat(500_000)}x\nTEL${";a".repeat(200_000)}\n${"a.".repeat(200_000)}:`;
  expect(convert({ contactMessage: { vcard } })?.data).toMatchObject({
    content: { contacts: [{ organisation: "x" }] },
  });
});

test("an id of any length is cut", () => {
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

describe("a kind that WhatsApp adds later", () => {
  /** Field 4,000 with the text "new". */
  const added = Buffer.from("82fa01036e6577", "hex");
  const encoded = (body: proto.IMessage) => Buffer.concat([proto.Message.encode(body).finish(), added]);
  const told = { data: { message: "", content: { type: "unsupported", kind: "field 4000" } } };

  test("is told by the number of its field", () => {
    const beside = { messageContextInfo: { messageSecret: Buffer.alloc(32) } };
    expect(arrived(beside, { encoded: encoded(beside) })).toMatchObject({
      type: "incoming_message",
      ...told,
    });
  });

  test("is told when it was written on another device of the account", () => {
    const destinationJid = peer;
    const wrapper = proto.Message.encode({ deviceSentMessage: { destinationJid, message: {} } }).finish();
    // The inner message is the last of three lengths.
    const bytes = Buffer.concat([wrapper, added]);
    for (const at of [2, wrapper.length - 1]) bytes[at] = (bytes[at] ?? 0) + added.length;
    expect(proto.Message.decode(bytes).deviceSentMessage?.destinationJid).toBe(peer);
    expect(arrived({}, { key: { fromMe: true }, encoded: bytes })).toMatchObject({
      type: "outgoing_message",
      ...told,
    });
  });

  test("is left out beside a content that is known, and beside bookkeeping", () => {
    const text = { conversation: "Hello" };
    expect(arrived(text, { encoded: encoded(text) })).toMatchObject({ data: { message: "Hello" } });
    const bookkeeping = { protocolMessage: { type: 0 } };
    expect(arrived(bookkeeping, { encoded: encoded(bookkeeping) })).toBeNull();
    expect(arrived({}, { encoded: new Uint8Array() })).toBeNull();
  });
});
