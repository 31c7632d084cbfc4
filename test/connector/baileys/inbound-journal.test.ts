import { expect, test } from "vitest";
import type { BinaryNode } from "#connector/baileys/baileys.ts";
import { hardenedSignalRepository } from "#connector/baileys/harden.ts";
import { inboundJournal } from "#connector/baileys/inbound-journal.ts";
import type { JournaledPart } from "#connector/baileys/journaled-part.ts";
import { eventually } from "#test/support/eventually.ts";
import { createParty, introduce, memoryStore } from "./signal-party.fixture.ts";

const alice = "15550001111@s.whatsapp.net";
const bob = "15550002222@s.whatsapp.net";
const group = "1@g.us";

/** Alice, who receives, and Bob, who has her keys. `restart` gives Alice a new socket on the same store. */
async function acquainted() {
  const store = memoryStore();
  const connect = (creds?: ReturnType<typeof createParty>["creds"]) => {
    const journal = inboundJournal(store);
    journal.connecting();
    return { journal, ...createParty(alice, store, hardenedSignalRepository(store, journal), creds) };
  };
  const us = connect();
  const them = createParty(bob, memoryStore());
  await introduce(them, us);
  return { us, them, store, restart: () => connect(us.creds) };
}

type Receiver = Awaited<ReturnType<typeof acquainted>>["us"];
type Encrypted = Awaited<ReturnType<Receiver["repository"]["encryptMessage"]>>;

/** Delivers as WhatsApp does, each time in a new bytes object. */
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

test("a redelivered message is read again, on the same socket and on the next", async () => {
  const { us, them, restart } = await acquainted();
  const message = await encrypt(them, "hello");
  expect(message.type).toBe("pkmsg");
  expect(await deliver(us, message)).toBe("hello");
  expect(await deliver(us, message)).toBe("hello");
  const next = restart();
  expect(await deliver(next, message)).toBe("hello");
  expect(await deliver(next, await encrypt(them, "and more"), "M2")).toBe("and more");
});

test("a redelivered group message is read again", async () => {
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
])("the same bytes as %s are refused", async (_, id, from) => {
  const { us, them } = await acquainted();
  await deliver(us, await encrypt(them, "first"), "M0");
  const answer = await us.repository.encryptMessage({ jid: bob, data: Buffer.from("answer") });
  await them.repository.decryptMessage({ jid: alice, ...answer });
  const message = await encrypt(them, "hello");
  expect(message.type).toBe("msg");
  expect(await deliver(us, message)).toBe("hello");
  await expect(deliver(us, message, id, from)).rejects.toThrow();
});

test("the plaintext and the ratchet are one write; if it fails, the message can still be decrypted", async () => {
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

test("a message that cannot be decrypted leaves only its sender's identity, and no journal row", async () => {
  const { us, them, store } = await acquainted();
  const message = await encrypt(them, "hello");
  const broken = Buffer.from(message.ciphertext);
  // After the keys, in the message itself.
  const at = Math.floor(broken.length * 0.7);
  broken.writeUInt8(broken.readUInt8(at) ^ 1, at);
  await expect(deliver(us, { ...message, ciphertext: broken })).rejects.toThrow();
  expect(inboundRows(store.rows)).toEqual([]);
  expect([...store.rows.keys()].filter((row) => row.startsWith("identity-key/"))).toHaveLength(1);
  expect(await deliver(us, message)).toBe("hello");
});

test("a row is deleted once its message is published and its receipt acknowledged, in either order", async () => {
  const { us, them, store } = await acquainted();
  for (const id of ["M1", "M2", "M3", "M4"]) await deliver(us, await encrypt(them, id), id);
  expect(inboundRows(store.rows)).toHaveLength(4);
  us.journal.published([{ key: { id: "M1" } }, { key: { id: "UNKNOWN" } }, { key: { id: "M3" } }]);
  us.journal.confirmed("M2");
  us.journal.confirmed("M1");
  us.journal.confirmed("M4");
  us.journal.published([{ key: { id: "M2" } }]);
  await eventually(() => inboundRows(store.rows).length <= 2);
  expect(inboundRows(store.rows)).toHaveLength(2);
  us.journal.hurry();
  us.journal.confirmed("M3");
  await Promise.resolve();
  await Promise.resolve();
  expect(inboundRows(store.rows)).toHaveLength(1);
});

test("a published message is read again as long as its receipt may have been lost", async () => {
  const { us, them, restart } = await acquainted();
  const [lost, received] = [await encrypt(them, "lost"), await encrypt(them, "received")];
  await deliver(us, lost, "M1");
  await deliver(us, received, "M2");
  us.journal.hurry();
  us.journal.published([{ key: { id: "M1" } }, { key: { id: "M2" } }]);
  const next = restart();
  expect(await deliver(next, lost, "M1")).toBe("lost");
  next.journal.hurry();
  next.journal.caughtUp();
  expect(await deliver(next, lost, "M1")).toBe("lost");
  await expect(deliver(next, received, "M2")).rejects.toThrow("Key used already");
});

test("the stanza of a decrypted message yields its plaintext, even without its row", async () => {
  const { us, them, store } = await acquainted();
  await deliver(us, await encrypt(them, "hello"));
  const [row = ""] = inboundRows(store.rows);
  const part = (await store.get("inbound" as "session", [row.slice("inbound/".length)]))[
    row.slice("inbound/".length)
  ] as unknown as JournaledPart;
  store.rows.delete(row);
  const stanza = us.journal.stanzaOf([["row", part]]);
  expect(stanza).toMatchObject({ tag: "message", attrs: { id: "M1", from: bob } });
  us.journal.arrived(stanza);
  const [enc] = stanza.content as BinaryNode[];
  const ciphertext = enc?.content as Buffer;
  expect(String(await us.repository.decryptMessage({ jid: bob, type: "pkmsg", ciphertext }))).toBe("hello");
});

/** Records every later read of a journal row. */
function readsOf(store: Awaited<ReturnType<typeof acquainted>>["store"]): string[] {
  const reads: string[] = [];
  const { get } = store;
  store.get = (type, ids) => {
    if (String(type) === "inbound") reads.push(...ids);
    return get(type, ids);
  };
  return reads;
}

test("once the stored rows are known, a new message is decrypted without reading its row", async () => {
  const { us, them, store } = await acquainted();
  const reads = readsOf(store);
  await deliver(us, await encrypt(them, "first"), "M1");
  expect(reads).toHaveLength(1);
  us.journal.found([]);
  const second = await encrypt(them, "second");
  expect(await deliver(us, second, "M2")).toBe("second");
  expect(reads).toHaveLength(1);
  expect(await deliver(us, second, "M2")).toBe("second");
  expect(reads).toHaveLength(2);
});

/** Records the type of every later read. */
function typesRead(store: Awaited<ReturnType<typeof acquainted>>["store"]): string[] {
  const types: string[] = [];
  const { get } = store;
  store.get = (type, ids) => {
    types.push(type);
    return get(type, ids);
  };
  return types;
}

test("a row written before the stored rows were known is read instead of decrypting again", async () => {
  const { us, them, store, restart } = await acquainted();
  const message = await encrypt(them, "hello");
  await deliver(us, message);
  us.journal.found([]);
  const next = restart();
  const types = typesRead(store);
  expect(await deliver(next, message)).toBe("hello");
  expect(types).toEqual(["inbound"]);
});

test("a deleted row is not read again", async () => {
  const { us, them, store } = await acquainted();
  us.journal.found([]);
  const message = await encrypt(them, "hello");
  await deliver(us, message);
  us.journal.hurry();
  us.journal.published([{ key: { id: "M1" } }]);
  us.journal.confirmed("M1");
  await eventually(() => inboundRows(store.rows).length === 0);
  const types = typesRead(store);
  await expect(deliver(us, message)).rejects.toThrow("Key used already");
  expect(types[0]).not.toBe("inbound");
});

test("a found row is read instead of decrypting again", async () => {
  const { us, them, store } = await acquainted();
  const message = await encrypt(them, "hello");
  await deliver(us, message);
  const [row = ""] = inboundRows(store.rows);
  const sameRows = { ...store };
  const journal = inboundJournal(sameRows);
  journal.found([row.slice("inbound/".length)]);
  const sessions: string[] = [];
  sameRows.get = (type, ids) => {
    if (type === "session") sessions.push(...ids);
    return store.get(type, ids);
  };
  const party = createParty(alice, sameRows, hardenedSignalRepository(sameRows, journal), us.creds);
  expect(await deliver({ journal, ...party }, message)).toBe("hello");
  expect(sessions).toEqual([]);
});

test("a row stored after the stored rows were found is read when the key is used already", async () => {
  const { us, them, store } = await acquainted();
  const message = await encrypt(them, "hello");
  await deliver(us, message);
  const sameRows = { ...store };
  const journal = inboundJournal(sameRows);
  journal.found([]);
  const party = createParty(alice, sameRows, hardenedSignalRepository(sameRows, journal), us.creds);
  expect(await deliver({ journal, ...party }, message)).toBe("hello");
});

test("a message above 2 MB is decrypted and journaled as a small one that says so, also when it is redelivered", async () => {
  const { us, them, store, restart } = await acquainted();
  const data = Buffer.alloc(2 * 1024 * 1024 + 1, 65);
  const message = await them.repository.encryptMessage({ jid: alice, data });
  const first = await deliver(us, message);
  expect(first.length).toBeLessThan(100);
  const [row = ""] = inboundRows(store.rows);
  expect(store.rows.get(row)?.length).toBeLessThan(1_000);
  expect(await deliver(restart(), message)).toBe(first);
  expect(await deliver(us, await encrypt(them, "and more"), "M2")).toBe("and more");
});
