import { expect, test } from "vitest";
import type { BinaryNode } from "../../../connector/baileys/baileys.ts";
import { hardenedSignalRepository } from "../../../connector/baileys/harden.ts";
import { createInboundJournal } from "../../../connector/baileys/inbound-journal.ts";
import { eventually } from "../../support/eventually.ts";
import { createParty, introduce, memoryStore } from "./signal-party.ts";

const alice = "15550001111@s.whatsapp.net";
const bob = "15550002222@s.whatsapp.net";
const group = "1@g.us";

/** Alice, who receives, and Bob, who has her keys. `restart` gives Alice a new socket on the same store. */
async function acquainted() {
  const store = memoryStore();
  const connect = (creds?: ReturnType<typeof createParty>["creds"]) => {
    const journal = createInboundJournal(store);
    return { journal, ...createParty(alice, store, hardenedSignalRepository(store, journal), creds) };
  };
  const us = connect();
  const them = createParty(bob, memoryStore());
  await introduce(them, us);
  return { us, them, store, restart: () => connect(us.creds) };
}

type Receiver = Awaited<ReturnType<typeof acquainted>>["us"];
type Encrypted = Awaited<ReturnType<Receiver["repository"]["encryptMessage"]>>;

/** As WhatsApp delivers it: each time in bytes of its own. */
async function deliver(
  to: Receiver,
  { type, ciphertext }: Encrypted,
  id = "M1",
  from = bob,
): Promise<string> {
  const content = Buffer.from(ciphertext);
  const stanza: BinaryNode = {
    tag: "message",
    attrs: { id, from },
    content: [{ tag: "enc", attrs: { type }, content }],
  };
  to.journal.arrived(stanza);
  return String(await to.repository.decryptMessage({ jid: from, type, ciphertext: content }));
}

const encrypt = (from: Receiver | ReturnType<typeof createParty>, text: string) =>
  from.repository.encryptMessage({ jid: alice, data: Buffer.from(text) });
const inboundRows = (rows: Map<string, string>) =>
  [...rows.keys()].filter((row) => row.startsWith("inbound/"));

test("what is delivered again is read again, over the same socket and over the next", async () => {
  const { us, them, restart } = await acquainted();
  const message = await encrypt(them, "hello");
  expect(message.type).toBe("pkmsg");
  expect(await deliver(us, message)).toBe("hello");
  expect(await deliver(us, message)).toBe("hello");
  const next = restart();
  expect(await deliver(next, message)).toBe("hello");
  expect(await deliver(next, await encrypt(them, "and more"), "M2")).toBe("and more");
});

test("a group message that is delivered again is read again", async () => {
  const { us, them, restart } = await acquainted();
  const sent = await them.repository.encryptGroupMessage({ group, meId: bob, data: Buffer.from("hello") });
  await us.repository.processSenderKeyDistributionMessage({
    authorJid: bob,
    item: {
      groupId: group,
      axolotlSenderKeyDistributionMessage: sent.senderKeyDistributionMessage,
    },
  });
  const read = async ({ repository }: Receiver) =>
    String(await repository.decryptGroupMessage({ group, authorJid: bob, msg: sent.ciphertext }));
  expect([await read(us), await read(us), await read(restart())]).toEqual(["hello", "hello", "hello"]);
});

test.each([
  ["another message", "M2", bob],
  ["another sender", "M1", "15550003333@s.whatsapp.net"],
])("the same bytes in the name of %s are refused", async (_, id, from) => {
  const { us, them } = await acquainted();
  await deliver(us, await encrypt(them, "first"), "M0");
  const answer = await us.repository.encryptMessage({ jid: bob, data: Buffer.from("answer") });
  await them.repository.decryptMessage({ jid: alice, ...answer });
  const message = await encrypt(them, "hello");
  expect(message.type).toBe("msg");
  expect(await deliver(us, message)).toBe("hello");
  await expect(deliver(us, message, id, from)).rejects.toThrow();
});

test("the plaintext and the ratchet are one write: when it fails, the message can still be decrypted", async () => {
  const { us, them, store, restart } = await acquainted();
  await deliver(us, await encrypt(them, "first"));
  const message = await encrypt(them, "second");
  const { set } = store;
  const writes: string[][] = [];
  store.set = (data) => {
    writes.push(Object.keys(data).sort());
    return Promise.reject(new Error("no space"));
  };
  await expect(deliver(us, message, "M2")).rejects.toThrow("no space");
  expect(writes).toEqual([["inbound", "session"]]);
  store.set = set;
  expect(await deliver(restart(), message, "M2")).toBe("second");
});

test("a message that cannot be decrypted leaves no row, but the identity that it came with", async () => {
  const { us, them, store } = await acquainted();
  const message = await encrypt(them, "hello");
  const broken = Buffer.from(message.ciphertext);
  // Behind the keys, in the message itself.
  const at = Math.floor(broken.length * 0.7);
  broken.writeUInt8(broken.readUInt8(at) ^ 1, at);
  await expect(deliver(us, { ...message, ciphertext: broken })).rejects.toThrow();
  expect(inboundRows(store.rows)).toEqual([]);
  expect([...store.rows.keys()].filter((row) => row.startsWith("identity-key/"))).toHaveLength(1);
  expect(await deliver(us, message)).toBe("hello");
});

test("the rows of published messages are deleted soon, and at once when the socket has ended; others stay", async () => {
  const { us, them, store } = await acquainted();
  const read = async (id: string) => deliver(us, await encrypt(them, id), id);
  for (const id of ["M1", "M2", "M3"]) await read(id);
  expect(inboundRows(store.rows)).toHaveLength(3);
  us.journal.published([{ key: { id: "M1" } }, { key: { id: "UNKNOWN" } }]);
  await eventually(() => inboundRows(store.rows).length === 2);
  us.journal.hurry();
  us.journal.published([{ key: { id: "M2" } }]);
  await Promise.resolve();
  await Promise.resolve();
  expect(inboundRows(store.rows)).toHaveLength(1);
});
