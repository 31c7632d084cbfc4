import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createDiscards } from "#connector/auth/discards.ts";
import { KeyStore } from "#connector/auth/key-store.ts";
import { WriteChain } from "#connector/auth/write-chain.ts";
import { countedCommands } from "#test/support/counted-commands.ts";
import { type TestDatabase, testDatabase } from "#test/support/test-database.ts";
import { open, pairedChannel } from "./auth.fixture.ts";
import { keyName, keyTypes, keyValue } from "./key-values.fixture.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

/** The number of bulks the channel has written: each increments the fence. */
async function bulks(channelId: string): Promise<number> {
  const rows = database.db.collection<{ _id: string; n: number }>("whatsapp_auth_keys");
  return (await rows.findOne({ _id: `${channelId}/fence` }))?.n ?? 0;
}

test.each(keyTypes)("%s rows read back unchanged from the cache and from the database", async (type) => {
  const channelId = await pairedChannel(database.db);
  let epoch = 1;
  const roundTrip = fc.asyncProperty(keyName, keyValue(type), async (id, value) => {
    await using auth = await open(database.db, { channelId, epoch: ++epoch });
    await auth.state.keys.set({ [type]: { [id]: value } });
    expect(await auth.state.keys.get(type, [id])).toStrictEqual({ [id]: value });
    await using next = await open(database.db, { channelId, epoch: ++epoch });
    expect(await next.state.keys.get(type, [id])).toStrictEqual({ [id]: value });
  });
  await fc.assert(roundTrip, { numRuns: 10 });
});

test("rows that were deleted or never existed are absent from the result", async () => {
  const channelId = await pairedChannel(database.db);
  await using auth = await open(database.db, { channelId });
  await auth.state.keys.set({ "lid-mapping": { a: "1", b: "2" } });
  await auth.state.keys.set({ "lid-mapping": { a: null } });
  expect(await auth.state.keys.get("lid-mapping", ["a", "b", "c"])).toEqual({ b: "2" });
  await using next = await open(database.db, { channelId, epoch: 2 });
  expect(await next.state.keys.get("lid-mapping", ["a", "b", "c"])).toEqual({ b: "2" });
});

test("a message's plaintext is deleted without a write of the owner's, and is absent at once", async () => {
  const channelId = await pairedChannel(database.db);
  await using auth = await open(database.db, { channelId });
  const journal = auth.state.keys as unknown as {
    get(type: "inbound", ids: string[]): Promise<object>;
    set(rows: { inbound: Record<string, Buffer | null> }): Promise<void>;
  };
  await journal.set({ inbound: { a: Buffer.from("1"), b: Buffer.from("2") } });
  const before = await bulks(channelId);
  const deleted = journal.set({ inbound: { a: null } });
  expect(await journal.get("inbound", ["a", "b"])).toEqual({ b: Buffer.from("2") });
  await deleted;
  expect(await bulks(channelId)).toBe(before);
  expect([...(await auth.journaled()).keys()]).toEqual(["b"]);
});

test("a row above 12 MB is refused alone: later writes go on", async () => {
  const channelId = await pairedChannel(database.db);
  await using auth = await open(database.db, { channelId });
  const large = auth.state.keys.set({ "lid-mapping": { large: "x".repeat(12 * 1024 * 1024), small: "1" } });
  await expect(large).rejects.toMatchObject({ name: "AuthStateError", fault: "too_large" });
  await auth.state.keys.set({ "lid-mapping": { next: "2" } });
  await auth.flush();
  expect(await auth.state.keys.get("lid-mapping", ["large", "small", "next"])).toEqual({ next: "2" });
});

test("unchanged rows are not written", async () => {
  const channelId = await pairedChannel(database.db);
  await using auth = await open(database.db, { channelId });
  const memory = { "sender-key-memory": { "g@g.us": { "1@lid": true } } };
  await auth.state.keys.set(memory);
  const before = await bulks(channelId);
  await auth.state.keys.set(memory);
  await auth.state.keys.set(structuredClone(memory));
  expect(await bulks(channelId)).toBe(before);
});

test("all sets of one event-loop turn are one bulk, and so are 812 pre-keys", async () => {
  const channelId = await pairedChannel(database.db);
  await using auth = await open(database.db, { channelId });
  const before = await bulks(channelId);
  await Promise.all(["a", "b", "c"].map((id) => auth.state.keys.set({ "lid-mapping": { [id]: "x" } })));
  expect(await bulks(channelId)).toBe(before + 1);
  const ids = Array.from({ length: 812 }, (_, id) => String(id));
  await auth.state.keys.set({ "pre-key": Object.fromEntries(ids.map((id) => [id, somePair])) });
  expect(await bulks(channelId)).toBe(before + 2);
});

const somePair = { public: Buffer.alloc(32, 1), private: Buffer.alloc(32, 2) };

test("a reader that mutates a value does not affect the next one", async () => {
  const channelId = await pairedChannel(database.db);
  await using auth = await open(database.db, { channelId });
  await auth.state.keys.set({ "device-list": { user: ["0"] }, "sender-key-memory": { group: { a: true } } });
  const { user } = await auth.state.keys.get("device-list", ["user"]);
  user?.push("1");
  const { group } = await auth.state.keys.get("sender-key-memory", ["group"]);
  Object.assign(group ?? {}, { b: true });
  expect(await auth.state.keys.get("device-list", ["user"])).toEqual({ user: ["0"] });
  expect(await auth.state.keys.get("sender-key-memory", ["group"])).toEqual({ group: { a: true } });
});

/** A key store over an in-memory database whose reads and writes end when the test resolves them. */
function gatedStore() {
  const stored = new Map<string, string>();
  const reads: PromiseWithResolvers<void>[] = [];
  const writes: PromiseWithResolvers<void>[] = [];
  const chain = new WriteChain({
    apply: async ({ rows }) => {
      const gate = Promise.withResolvers<void>();
      writes.push(gate);
      await gate.promise;
      for (const [row, text] of rows) text === null ? stored.delete(row) : stored.set(row, text);
    },
    onLost: () => undefined,
  });
  const read = async (rows: readonly string[]) => {
    const seen = new Map([...stored].filter(([row]) => rows.includes(row)));
    const gate = Promise.withResolvers<void>();
    reads.push(gate);
    await gate.promise;
    return seen;
  };
  const remove = async (rows: readonly string[]) => rows.forEach((row) => void stored.delete(row));
  const discards = createDiscards({ stored: () => chain.flush(), remove });
  return { store: new KeyStore({ channelId: "c", chain, discards, read }), stored, reads, writes };
}

test("a read that a write overtakes returns the written value, as do later reads", async () => {
  const { store, stored, reads, writes } = gatedStore();
  stored.set("c/lid-mapping/a", '"old"');
  const reading = store.get("lid-mapping", ["a"]);
  await expect.poll(() => reads.length).toBe(1);
  const writing = store.set({ "lid-mapping": { a: "new" } });
  await expect.poll(() => writes.length).toBe(1);
  writes[0]?.resolve();
  await writing;
  reads[0]?.resolve();
  expect(await reading).toEqual({ a: "new" });
  expect(await store.get("lid-mapping", ["a"])).toEqual({ a: "new" });
});

test("pending writes are read back, however many there are", async () => {
  const { store, reads } = gatedStore();
  const ids = Array.from({ length: 5_000 }, (_, id) => String(id));
  void store.set({ "lid-mapping": Object.fromEntries(ids.map((id) => [id, `v${id}`])) });
  const found = await store.get("lid-mapping", ids);
  expect(Object.keys(found)).toHaveLength(5_000);
  expect(reads).toHaveLength(0);
});

test("setting a value that is already being written waits until it is stored", async () => {
  const { store, stored, writes } = gatedStore();
  const first = store.set({ "lid-mapping": { a: "1" } });
  await expect.poll(() => writes.length).toBe(1);
  const second = store.set({ "lid-mapping": { a: "1" } }).then(() => stored.has("c/lid-mapping/a"));
  writes[0]?.resolve();
  await first;
  expect(await second).toBe(true);
  expect(writes).toHaveLength(1);
});

test("an empty journal is read once, until a plaintext is written", async () => {
  const channelId = await pairedChannel(database.db);
  await using counted = await countedCommands(database);
  await using auth = await open(counted.db, { channelId, epoch: 2 });
  const journal = auth.state.keys as unknown as {
    set(rows: { inbound: Record<string, Buffer> }): Promise<void>;
  };
  const reads = () => counted.names.filter((name) => name === "find").length;
  await auth.journaled();
  const before = reads();
  expect((await auth.journaled()).size).toBe(0);
  expect(reads()).toBe(before);
  await journal.set({ inbound: { a: Buffer.from("x") } });
  expect([...(await auth.journaled()).keys()]).toEqual(["a"]);
  expect([...(await auth.journaled()).keys()]).toEqual(["a"]);
  expect(reads()).toBe(before + 2);
});
