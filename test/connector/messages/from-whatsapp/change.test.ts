import { describe, expect, test } from "vitest";
import { proto } from "#connector/baileys/baileys.ts";
import { messageEvents } from "#shared/message-events.ts";
import { handedOver, ownJid, peer } from "./received-messages.fixture.ts";

const { SecretEncType } = proto.Message.SecretEncryptedMessage;
const sealed = { encPayload: Buffer.of(1), encIv: Buffer.of(2) };
const undecryptable = { unavailable: "undecryptable" };
/** A key as the contact's app writes it. */
const toOurs = { remoteJid: ownJid, fromMe: false, id: "3EB0ORIGINAL" };
const toTheirs = { remoteJid: ownJid, fromMe: true, id: "3EB0ORIGINAL" };
const group = "120363000000000001@g.us";
const third = "15550100007@s.whatsapp.net";

const vote = (key: proto.IMessageKey) => ({
  pollUpdateMessage: { pollCreationMessageKey: key, vote: sealed },
});
const sealedEdit = (secretEncType: number, key: proto.IMessageKey) => ({
  secretEncryptedMessage: { targetMessageKey: key, ...sealed, secretEncType },
});

describe("a change that is encrypted names its message", () => {
  const { MESSAGE_EDIT, EVENT_EDIT } = SecretEncType;
  const edited = { message: "", content: { type: "unavailable", reason: "undecryptable" }, author: peer };
  test.each<[string, proto.IMessage, keyof typeof messageEvents, object]>([
    ["a vote", vote(toOurs), "poll_vote", { author: ownJid, ...undecryptable }],
    ["a vote in the voter's own poll", vote(toTheirs), "poll_vote", { author: peer, ...undecryptable }],
    [
      "an answer to an event",
      { encEventResponseMessage: { eventCreationMessageKey: toOurs, ...sealed } },
      "event_response",
      { author: ownJid, ...undecryptable },
    ],
    [
      "a reaction",
      { encReactionMessage: { targetMessageKey: toTheirs, ...sealed } },
      "reaction",
      { author: peer, ...undecryptable },
    ],
    ["an edit", sealedEdit(MESSAGE_EDIT, toTheirs), "message_edited", edited],
    ["an edit of an event", sealedEdit(EVENT_EDIT, toTheirs), "message_edited", edited],
  ])("%s", (_name, body, type, data) => {
    const seen = handedOver(body);
    expect(seen).toMatchObject({
      ...{ type, messageId: "3EB0A", chat: peer, sender: peer },
      data: { messageId: "3EB0ORIGINAL", from: peer, sender: peer, ...data },
    });
    expect(messageEvents[type].schema.strict().parse(seen?.data)).toEqual(seen?.data);
  });

  test("of a kind that is not known is a message of that kind", () => {
    expect(handedOver(sealedEdit(7, toTheirs))).toMatchObject({
      type: "incoming_message",
      data: { content: { type: "unsupported", kind: "secretEncryptedMessage" } },
    });
  });

  test("an edit of somebody else's message is none", () => {
    expect(handedOver(sealedEdit(MESSAGE_EDIT, toOurs))).toBeNull();
  });
});

test("how long a message is pinned stands in the wrapper or beside it", () => {
  const pin = { pinInChatMessage: { key: toTheirs, type: proto.Message.PinInChatMessage.Type.PIN_FOR_ALL } };
  const messageContextInfo = { messageAddOnDurationInSecs: 604_800 };
  for (const body of [
    { ephemeralMessage: { message: pin }, messageContextInfo },
    { ephemeralMessage: { message: { ...pin, messageContextInfo } } },
  ])
    expect(handedOver(body)).toMatchObject({ type: "message_pinned", data: { forSeconds: 604_800 } });
});

describe("the author of the message that a reaction or a vote names", () => {
  const reaction = (key: proto.IMessageKey) => ({ reactionMessage: { key, text: "👍" } });
  const wrappers: [string, (message: proto.IMessage) => proto.IMessage][] = [
    ["bare", (message) => message],
    ["in a wrapper that Baileys follows", (message) => ({ ephemeralMessage: { message } })],
    ["in a wrapper that Baileys does not follow", (message) => ({ botInvokeMessage: { message } })],
    ["in both", (message) => ({ ephemeralMessage: { message: { groupMentionedMessage: { message } } } })],
  ];
  test.each(wrappers)("%s", (_name, wrap) => {
    for (const change of [reaction, vote]) {
      expect(handedOver(wrap(change(toOurs)))?.data).toMatchObject({ author: ownJid });
      expect(handedOver(wrap(change(toTheirs)))?.data).toMatchObject({ author: peer });
      const inGroup = { remoteJid: group, participant: peer };
      const named = (participant: string) => ({ remoteJid: group, fromMe: false, id: "3EB0B", participant });
      expect(handedOver(wrap(change(named(third))), inGroup)?.data).toMatchObject({ author: third });
      expect(handedOver(wrap(change(named(ownJid))), inGroup)?.data).toMatchObject({ author: ownJid });
    }
  });
});
