import { expect, test } from "vitest";
import { proto, type WAMessage } from "#connector/baileys/baileys.ts";
import { convertMessages } from "#connector/inbound/convert-messages.ts";
import { createLog } from "#shared/log.ts";
import { account, message, peer } from "../messages/from-whatsapp/received-messages.fixture.ts";

function convert(messages: WAMessage[]) {
  const lines: Record<string, unknown>[] = [];
  const log = createLog("info", { write: (line: string) => void lines.push(JSON.parse(line)) });
  return { seen: convertMessages(messages, account, log).map(({ seen }) => seen), lines };
}

const broken = (name: string): WAMessage => ({
  ...message({}),
  message: Object.defineProperty({}, name, {
    enumerable: true,
    get() {
      throw new Error("nested too deep");
    },
  }),
});

test("a message whose conversion fails is told by its kind, and so are its neighbours by theirs", () => {
  const { seen, lines } = convert([broken("imageMessage"), message({ conversation: "after" })]);
  expect(seen).toMatchObject([
    {
      type: "incoming_message",
      data: { from: peer, content: { type: "unsupported", kind: "imageMessage" } },
    },
    { data: { message: "after" } },
  ]);
  expect(lines).toMatchObject([{ event: "inbox" }]);
});

test("messages that somebody could miss are counted by reason, in one line", () => {
  const { REVOKE } = proto.Message.ProtocolMessage.Type;
  const revoke = { type: REVOKE, key: { remoteJid: peer, fromMe: false, id: "3EB0B" } };
  const { seen, lines } = convert([
    message({ conversation: "post" }, { key: { remoteJid: "1203@newsletter" } }),
    message({ conversation: "post" }, { key: { remoteJid: "1203@newsletter" } }),
    message({ conversation: "Hi" }, { key: { remoteJid: "1203@g.us" } }),
    message({ protocolMessage: revoke }),
    { key: message({}).key, messageStubType: proto.WebMessageInfo.StubType.CIPHERTEXT },
    message({ senderKeyDistributionMessage: { groupId: "1@g.us" } }, { key: { remoteJid: "1203@g.us" } }),
  ]);
  expect(seen).toEqual([]);
  const dropped = { newsletter: 2, unknown_chat: 1, forbidden_change: 1, undecryptable: 1 };
  expect(lines).toMatchObject([{ event: "messages_dropped", dropped }]);
});

test("bookkeeping is not counted", () => {
  const { seen, lines } = convert([
    message({ protocolMessage: { type: 0 } }),
    message({}),
    { key: message({}).key },
  ]);
  expect([seen, lines]).toEqual([[], []]);
});
