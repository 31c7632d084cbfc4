import { expect, test } from "vitest";
import { cleanMessage, proto } from "#connector/baileys/baileys.ts";
import { convert, message, ownJid, ownLid } from "../messages/from-whatsapp/received-messages.fixture.ts";

test.each<[string, proto.IMessage]>([
  ["reactionMessage", { reactionMessage: { text: "👍" } }],
  ["pollUpdateMessage", { pollUpdateMessage: { vote: {} } }],
])("a %s without a key passes Baileys, and is told by its kind", (kind, body) => {
  const one = message(body);
  cleanMessage(one, ownJid, ownLid);
  expect(one.message).toHaveProperty(kind);
  expect(convert(body)).toMatchObject({
    type: "incoming_message",
    data: { content: { type: "unsupported", kind } },
  });
});

test("the key of a reaction stays as it came", () => {
  const key = { remoteJid: ownJid, fromMe: true, id: "3EB0B" };
  const bytes = proto.Message.encode({ reactionMessage: { key, text: "👍" } }).finish();
  expect(proto.Message.decode(bytes).reactionMessage?.key).toMatchObject(key);
});
