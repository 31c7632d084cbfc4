import { EventEmitter } from "node:events";
import { Binary } from "mongodb";
import { afterAll, beforeAll, expect, test } from "vitest";
import type {
  BinaryNode,
  SignalDataSet,
  SignalKeyStoreWithTransaction,
  SocketConfig,
  WAMessage,
  WASocket,
} from "#connector/baileys/baileys.ts";
import { proto } from "#connector/baileys/baileys.ts";
import { inboundJournal } from "#connector/baileys/inbound-journal.ts";
import type { JournaledPart } from "#connector/baileys/journaled-part.ts";
import { createJournalRecovery } from "#connector/inbound/journal-recovery.ts";
import { createLog } from "#shared/log.ts";
import { eventually } from "#test/support/eventually.ts";
import { type TestDatabase, testDatabase } from "#test/support/test-database.ts";
import { open, pairedChannel } from "../auth/auth.fixture.ts";

const self = "15550001111@s.whatsapp.net";
const bob = "15550002222@s.whatsapp.net";

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

const rowsOf = (channelId: string) =>
  database.db
    .collection<{ _id: string }>("whatsapp_auth_keys")
    .find({ channelId, keyId: /^inbound:/ })
    .toArray();

function part(id: string, message: proto.IMessage, changes: Partial<JournaledPart> = {}): JournaledPart {
  const plaintext = Buffer.concat([proto.Message.encode(message).finish(), Buffer.alloc(3, 3)]);
  const stanza = { id, from: bob, t: "1700000000" };
  return { plaintext, stanza, enc: { type: "msg" }, arrival: 1, part: 0, ...changes };
}

/** A channel whose process died with these parts in its journal; `restart` opens its next process. */
async function diedWith(parts: Record<string, JournaledPart>) {
  const channelId = await pairedChannel(database.db);
  {
    await using auth = await open(database.db, { channelId, epoch: 2 });
    await auth.state.keys.set({ inbound: parts } as unknown as SignalDataSet);
  }
  const published: WAMessage[] = [];
  const ended = new AbortController();
  let epoch = 3;
  const restart = async () => {
    const auth = await open(database.db, { channelId, epoch: epoch++ });
    const received = async ({ messages }: { messages: WAMessage[] }) => void published.push(...messages);
    const log = createLog("silent");
    return { auth, ...createJournalRecovery({ ended: ended.signal, log }, { auth, inbox: { received } }) };
  };
  return {
    channelId,
    published,
    restart,
    texts: () => published.map(({ message }) => message?.conversation),
  };
}

test("recovered messages are published in arrival order, and their rows go once WhatsApp has caught up without them", async () => {
  const system = await diedWith({
    a: part("M2", { conversation: "second" }, { arrival: 12 }),
    b: part("M1", { conversation: "first" }, { arrival: 7 }),
    c: part("M3", { conversation: "third" }, { arrival: 100 }),
  });
  const { auth, recover } = await system.restart();
  await using _auth = auth;
  const journal = inboundJournal(auth.state.keys);
  journal.hurry();
  await recover();
  expect(system.texts()).toEqual(["first", "second", "third"]);
  await recover();
  expect(system.published).toHaveLength(3);
  await auth.flush();
  expect(await rowsOf(system.channelId)).toHaveLength(3);

  journal.connecting();
  journal.arrived({ tag: "message", attrs: { id: "M2", from: bob }, content: [] });
  journal.caughtUp();
  const remaining = async () => (await rowsOf(system.channelId)).map(({ _id }) => _id.at(-1));
  await eventually(async () => (await remaining()).join() === "a");
});

test("a message in two parts is published as one", async () => {
  const stanza = { id: "M1", from: "1@g.us", participant: bob, t: "1" };
  const keys = { senderKeyDistributionMessage: { groupId: "1@g.us" } };
  const system = await diedWith({
    b: part("M1", { conversation: "hello" }, { stanza, part: 1, enc: { type: "skmsg" } }),
    a: part("M1", keys, { stanza }),
  });
  const { auth, recover } = await system.restart();
  await using _auth = auth;
  await recover();
  expect(system.published).toMatchObject([{ message: { conversation: "hello", ...keys } }]);
});

test("an unreadable row stays, and blocks no other message", async () => {
  const system = await diedWith({
    a: part("M1", {}, { plaintext: Buffer.from([255]) }),
    b: part("M2", { conversation: "hello" }),
    c: part("M3", { conversation: "sealed by another" }),
    d: part("M4", { conversation: "from nobody" }, { stanza: {} }),
    ...({ e: {}, f: "text", g: { stanza: null, plaintext: [1] } } as unknown as Record<
      string,
      JournaledPart
    >),
  });
  const rows = database.db.collection<{ _id: string }>("whatsapp_auth_keys");
  const filter = { _id: `${system.channelId}/inbound/c` };
  await rows.updateOne(filter, { $set: { keyData: new Binary(Buffer.alloc(64)) } });
  const { auth, recover } = await system.restart();
  await using _auth = auth;
  await recover();
  expect(system.texts()).toEqual(["hello"]);
  expect(await rowsOf(system.channelId)).toHaveLength(7);
});

test("a message from the phone to its own devices is not published, and handed to Baileys by the next socket", async () => {
  const share = { protocolMessage: { type: 6, appStateSyncKeyShare: { keys: [] } } };
  const stanza = { id: "K1", from: self, t: "1" };
  const system = await diedWith({ a: part("K1", share, { stanza }) });
  const { auth, recover, handOver } = await system.restart();
  await using _auth = auth;
  await recover();
  expect(system.published).toEqual([]);
  const delivered: BinaryNode[] = [];
  const ws = new EventEmitter().on("CB:message", (node) => delivered.push(node));
  handOver({ ws } as unknown as WASocket);
  handOver({ ws } as unknown as WASocket);
  expect(delivered).toMatchObject([
    { attrs: { id: "K1", from: self }, content: [{ attrs: { type: "msg" } }] },
  ]);
});

test("a channel that is not linked recovers nothing", async () => {
  await using auth = await open(database.db);
  const received = async () => expect.unreachable();
  const ended = new AbortController().signal;
  await createJournalRecovery({ ended, log: createLog("silent") }, { auth, inbox: { received } }).recover();
});

test("after a recovery a message is decrypted without a read of its row", async () => {
  const system = await diedWith({ a: part("M1", { conversation: "left" }) });
  const { auth, recover } = await system.restart();
  const reads: string[] = [];
  const keys = {
    transaction: (work: () => Promise<unknown>) => work(),
    get: async (_type: string, ids: string[]) => {
      reads.push(...ids);
      return {};
    },
    set: async () => undefined,
  };
  const plain = { decryptMessage: async () => Buffer.from("plain") };
  const { decryptMessage } = inboundJournal(auth.state.keys).decryptingOnce(
    keys as unknown as SignalKeyStoreWithTransaction,
    plain as unknown as ReturnType<SocketConfig["makeSignalRepository"]>,
  );
  const decrypt = (text: string) => decryptMessage({ jid: bob, type: "msg", ciphertext: Buffer.from(text) });
  await decrypt("before");
  expect(reads).toHaveLength(1);
  await recover();
  await decrypt("after");
  expect(reads).toHaveLength(1);
  await auth.close();
});
