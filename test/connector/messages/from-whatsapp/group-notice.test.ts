import { describe, expect, test } from "vitest";
import { proto, type WAMessage } from "#connector/baileys/baileys.ts";
import { fromWhatsApp } from "#connector/messages/from-whatsapp/from-whatsapp.ts";
import { withKnownNumbers } from "#connector/messages/from-whatsapp/with-known-numbers.ts";
import { messageEvents } from "#shared/message-events.ts";
import { account, lid, ownJid, ownLid, peer } from "./received-messages.fixture.ts";

const { StubType } = proto.WebMessageInfo;
const group = "120363000000000001@g.us";

/** As Baileys makes it of a notification. */
function notice(messageStubType: number, messageStubParameters: string[], participant = peer): WAMessage {
  const key = { remoteJid: group, fromMe: false, id: "4242", participant };
  const t = 1_700_000_000;
  return proto.WebMessageInfo.fromObject({
    ...{ key, messageStubType, messageStubParameters, messageTimestamp: t },
  }) as WAMessage;
}

const person = JSON.stringify({ id: "77@lid", phoneNumber: "15550100007@s.whatsapp.net", admin: null });
const people = ["15550100007@s.whatsapp.net"];

describe("a notice of a group is told as a message of its own kind", () => {
  test.each<[string, WAMessage, object, string]>([
    ["created", notice(StubType.GROUP_CREATE, ["Neighbours"]), { subject: "Neighbours" }, "Neighbours"],
    ["subject_changed", notice(StubType.GROUP_CHANGE_SUBJECT, ["Street"]), { subject: "Street" }, "Street"],
    [
      "description_changed",
      notice(StubType.GROUP_CHANGE_DESCRIPTION, ["Rules"]),
      { description: "Rules" },
      "Rules",
    ],
    ["description_changed", notice(StubType.GROUP_CHANGE_DESCRIPTION, []), { description: "" }, ""],
    ["picture_changed", notice(StubType.GROUP_CHANGE_ICON, ["1"]), {}, ""],
    ["invite_renewed", notice(StubType.GROUP_CHANGE_INVITE_LINK, ["AbCd"]), {}, ""],
    ["announcements_only", notice(StubType.GROUP_CHANGE_ANNOUNCE, ["on"]), { isOn: true }, ""],
    ["locked", notice(StubType.GROUP_CHANGE_RESTRICT, ["off"]), { isOn: false }, ""],
    ["added", notice(StubType.GROUP_PARTICIPANT_ADD, [person]), { people }, ""],
    ["removed", notice(StubType.GROUP_PARTICIPANT_REMOVE, [person, "{", "7"]), { people }, ""],
    ["left", notice(StubType.GROUP_PARTICIPANT_LEAVE, [person]), { people }, ""],
    ["promoted", notice(StubType.GROUP_PARTICIPANT_PROMOTE, [person]), { people }, ""],
    ["demoted", notice(StubType.GROUP_PARTICIPANT_DEMOTE, [person]), { people }, ""],
  ])("%s", (action, one, facts, message) => {
    const seen = fromWhatsApp(one, account);
    expect(seen).toMatchObject({ type: "incoming_message", data: { from: group, sender: peer, message } });
    expect(seen?.data).toMatchObject({ sentAt: "2023-11-14T22:13:20.000Z" });
    expect({ ...seen?.data }).toHaveProperty("content", { type: "group_notice", action, ...facts });
    expect(messageEvents.incoming_message.schema.strict().parse(seen?.data)).toEqual(seen?.data);
  });

  test("one that the account caused is outgoing, also under its LID", () => {
    for (const own of [ownJid, ownLid])
      expect(fromWhatsApp(notice(StubType.GROUP_CHANGE_ICON, [], own), account)).toMatchObject({
        type: "outgoing_message",
        sender: ownJid,
      });
  });

  test("its people are named by their numbers where those are known", () => {
    const seen = fromWhatsApp(notice(StubType.GROUP_PARTICIPANT_ADD, [JSON.stringify({ id: lid })]), account);
    if (!seen) throw new Error("The notice was not converted");
    const named = withKnownNumbers(seen, new Map([[lid, peer]]));
    expect(named.data).toMatchObject({ content: { people: [peer] } });
  });

  test("at most 1,024 people", () => {
    const many = Array.from({ length: 1_100 }, (_, index) => JSON.stringify({ id: `${index + 1}@lid` }));
    const { content } = { ...fromWhatsApp(notice(StubType.GROUP_PARTICIPANT_ADD, many), account)?.data } as {
      content?: { people?: string[] };
    };
    expect(content?.people).toHaveLength(1_024);
  });

  test("a notice of another kind is none", () => {
    expect(fromWhatsApp(notice(StubType.E2E_IDENTITY_CHANGED, []), account)).toBeNull();
  });
});
