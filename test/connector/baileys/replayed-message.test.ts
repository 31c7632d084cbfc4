import { pino } from "pino";
import { expect, test } from "vitest";
import { type BinaryNode, cleanMessage, decryptMessageNode, proto } from "#connector/baileys/baileys.ts";
import { hardenedSignalRepository } from "#connector/baileys/harden.ts";
import { inboundJournal } from "#connector/baileys/inbound-journal.ts";
import type { JournaledPart } from "#connector/baileys/journaled-part.ts";
import { replayedMessage } from "#connector/baileys/replayed-message.ts";
import { createParty, introduce, memoryStore } from "./signal-party.fixture.ts";

const alice = "15550001111@s.whatsapp.net";
const bob = "15550002222@s.whatsapp.net";
const me = { id: "15550001111:3@s.whatsapp.net", lid: "111:3@lid" };
const quiet = pino({ level: "silent" });

/** Encodes a message as phones do, with padding at the end. */
const padded = (message: proto.IMessage) =>
  Buffer.concat([proto.Message.encode(message).finish(), Buffer.alloc(5, 5)]);

async function received(message: proto.IMessage, attrs: BinaryNode["attrs"]) {
  const store = memoryStore();
  const journal = inboundJournal(store);
  const us = createParty(alice, store, hardenedSignalRepository(store, journal));
  const them = createParty(bob, memoryStore());
  await introduce(them, us);
  const { type, ciphertext } = await them.repository.encryptMessage({ jid: alice, data: padded(message) });
  const enc = { tag: "enc", attrs: { v: "2", type }, content: Buffer.from(ciphertext) };
  const stanza = { tag: "message", attrs: { ...attrs }, content: [enc] };
  journal.arrived(stanza);
  const { fullMessage, decrypt } = decryptMessageNode(stanza, me.id, me.lid, us.repository, quiet);
  await decrypt();
  cleanMessage(fullMessage, me.id, me.lid);
  const [row = ""] = [...store.rows.keys()].filter((key) => key.startsWith("inbound/"));
  const id = row.slice("inbound/".length);
  const found = await store.get("inbound" as "session", [id]);
  return { fullMessage, part: found[id] as unknown as JournaledPart };
}

const lastSeen = { id: "M1", t: "1700000000", type: "text", notify: "Bob", offline: "0" };

test.each<[string, proto.IMessage, BinaryNode["attrs"]]>([
  ["a contact", { conversation: "hello" }, { ...lastSeen, from: bob, sender_lid: "222@lid" }],
  [
    "a contact's second device",
    { conversation: "hello" },
    { ...lastSeen, from: "15550002222:7@s.whatsapp.net" },
  ],
  [
    "a contact by LID",
    { extendedTextMessage: { text: "hello" } },
    { ...lastSeen, from: "222@lid", sender_pn: bob, addressing_mode: "lid" },
  ],
  [
    "the phone itself",
    { deviceSentMessage: { destinationJid: bob, message: { conversation: "mine" } } },
    { ...lastSeen, from: alice, recipient: bob },
  ],
])(
  "the journal reproduces the message that Baileys made, for a message from %s",
  async (_, message, attrs) => {
    const { fullMessage, part } = await received(message, attrs);
    expect(fullMessage.message).toBeTruthy();
    expect(await replayedMessage([part], me)).toEqual(fullMessage);
  },
);

test("parts that are no message or have no sender throw", async () => {
  const part = { stanza: { id: "M1", from: bob, t: "1" }, enc: { type: "msg" }, arrival: 1, part: 0 };
  await expect(replayedMessage([{ ...part, plaintext: Buffer.from([255, 255, 255]) }], me)).rejects.toThrow();
  const nameless = { ...part, stanza: {}, plaintext: padded({ conversation: "hello" }) };
  await expect(replayedMessage([nameless], me)).rejects.toThrow();
});
