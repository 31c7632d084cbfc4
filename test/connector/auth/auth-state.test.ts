import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { proto } from "#connector/baileys/baileys.ts";
import { FencedError } from "#connector/ownership/fence.ts";
import { eventually } from "#test/support/eventually.ts";
import { severableDatabase } from "#test/support/severable-database.ts";
import { type TestDatabase, testDatabase } from "#test/support/test-database.ts";
import { keyPair, masterKey, open, pair, pairedChannel } from "./auth.fixture.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

interface StoredRow {
  _id: string;
  channelId: string;
  [field: string]: unknown;
}

const creds = () => database.db.collection<StoredRow>("whatsapp_auth_creds");
const keys = () => database.db.collection<StoredRow>("whatsapp_auth_keys");

test("a channel that was never linked has no credentials until they are created", async () => {
  const channelId = randomUUID();
  await using auth = await open(database.db, { channelId });
  expect(auth.linked()).toBe(false);
  expect(() => auth.state).toThrow(expect.objectContaining({ fault: "no_credentials" }));
  await auth.create();
  expect(auth.state.creds.registered).toBe(false);
  expect(auth.linked()).toBe(false);
});

test("unpaired credentials are not stored, and every `create` makes new ones", async () => {
  const channelId = randomUUID();
  await using auth = await open(database.db, { channelId });
  await auth.create();
  const first = auth.state.creds;
  // A pairing code sets `me` before anything is paired.
  first.me = { id: "15550001111@s.whatsapp.net" };
  auth.save();
  await auth.flush();
  expect(await creds().findOne({ channelId })).toBeNull();
  await auth.create();
  expect(auth.state.creds.noiseKey).not.toEqual(first.noiseKey);
});

test("the next owner reads paired credentials in full, and cannot create others", async () => {
  const channelId = randomUUID();
  await using first = await open(database.db, { channelId, epoch: 1 });
  await first.create();
  pair(first.state.creds);
  first.save();
  await first.flush();
  await using second = await open(database.db, { channelId, epoch: 2 });
  expect(second.linked()).toBe(true);
  expect(second.state.creds.account).toBeInstanceOf(proto.ADVSignedDeviceIdentity);
  expect(JSON.stringify(second.state.creds)).toBe(JSON.stringify(plainBytes(first.state.creds)));
  await expect(second.create()).rejects.toMatchObject({ fault: "already_linked" });
});

test("rows have the documented fields", async () => {
  const channelId = await pairedChannel(database.db);
  await using auth = await open(database.db, { channelId });
  await auth.state.keys.set({ "device-list": { "15550001111": ["0"] } });
  const time = expect.any(Date);
  expect(await creds().findOne({ channelId })).toMatchObject({
    _id: channelId,
    createdAt: time,
    updatedAt: time,
  });
  expect(await keys().findOne({ _id: `${channelId}/device-list/15550001111` })).toMatchObject({
    channelId,
    keyId: "device-list:15550001111",
    createdAt: time,
    updatedAt: time,
  });
});

test("the keys of erased credentials reject, also once there are others, and leave nothing in those", async () => {
  const channelId = randomUUID();
  await using auth = await open(database.db, { channelId });
  await auth.create();
  const former = auth.state.keys;
  await former.set({ "lid-mapping": { a: "former" } });
  const refused = expect.objectContaining({ fault: "closed" });
  const write = async () => former.set({ "lid-mapping": { b: "late" } });
  const erasing = auth.erase();
  await expect(write()).rejects.toEqual(refused);
  await erasing;
  await expect(write()).rejects.toEqual(refused);
  await auth.create();
  await expect(write()).rejects.toEqual(refused);
  await expect(async () => former.get("lid-mapping", ["a"])).rejects.toEqual(refused);
  expect(await auth.state.keys.get("lid-mapping", ["a", "b"])).toEqual({});
  await auth.state.keys.set({ "lid-mapping": { a: "present" } });
  expect(await keys().distinct("keyId", { channelId, keyId: { $exists: true } })).toEqual(["lid-mapping:a"]);
});

test("only rows with a message's plaintext expire", async () => {
  const channelId = await pairedChannel(database.db);
  await using auth = await open(database.db, { channelId });
  const rows = { inbound: { hash: Buffer.from("hello") }, "lid-mapping": { a: "1" } };
  await auth.state.keys.set(rows);
  const expiresAt = async (row: string) => (await keys().findOne({ _id: `${channelId}/${row}` }))?.expiresAt;
  expect(await expiresAt("inbound/hash")).toBeInstanceOf(Date);
  expect(await expiresAt("lid-mapping/a")).toBeUndefined();
});

test("`save` writes the whole credentials, with every change", async () => {
  const channelId = await pairedChannel(database.db);
  {
    await using auth = await open(database.db, { channelId });
    auth.state.creds.accountSyncCounter = 7;
    auth.save();
  }
  await using next = await open(database.db, { channelId, epoch: 2 });
  expect(next.state.creds.accountSyncCounter).toBe(7);
});

test("new pre-keys and the credentials' counters are committed together", async () => {
  const channelId = await pairedChannel(database.db);
  await using auth = await open(database.db, { channelId });
  auth.state.creds.nextPreKeyId = 813;
  const preKeys = Object.fromEntries(Array.from({ length: 812 }, (_, id) => [String(id + 1), keyPair()]));
  await auth.state.keys.set({ "pre-key": preKeys });
  await using next = await open(database.db, { channelId, epoch: 2 });
  expect(next.state.creds.nextPreKeyId).toBe(813);
  expect(await next.state.keys.get("pre-key", Object.keys(preKeys))).toEqual(preKeys);
});

test("a deposed owner cannot write, is notified once, and changes nothing", async () => {
  const channelId = await pairedChannel(database.db, { epoch: 5 });
  const lost: Error[] = [];
  await using old = await open(database.db, { channelId, epoch: 5, onLost: (error) => lost.push(error) });
  await old.state.keys.set({ "lid-mapping": { a: "old" } });
  await using next = await open(database.db, { channelId, epoch: 6 });
  await expect(old.state.keys.set({ "lid-mapping": { a: "stale" } })).rejects.toThrow(FencedError);
  await expect(old.state.keys.get("lid-mapping", ["b"])).rejects.toThrow(FencedError);
  await expect(old.flush()).rejects.toThrow(FencedError);
  expect(lost).toHaveLength(1);
  expect(await next.state.keys.get("lid-mapping", ["a"])).toEqual({ a: "old" });
});

test.each(["creds alone", "creds with pre-keys"])("a deposed owner cannot write %s", async (what) => {
  const channelId = await pairedChannel(database.db, { epoch: 5 });
  const lost: Error[] = [];
  await using old = await open(database.db, { channelId, epoch: 5, onLost: (error) => lost.push(error) });
  await using _next = await open(database.db, { channelId, epoch: 6 });
  old.state.creds.nextPreKeyId = 99;
  if (what === "creds alone") old.save();
  else void Promise.resolve(old.state.keys.set({ "pre-key": { "98": keyPair() } })).catch(() => undefined);
  await old.flush().catch(() => undefined);
  expect(lost).toEqual([expect.any(FencedError)]);
  await using later = await open(database.db, { channelId, epoch: 7 });
  expect(later.state.creds.nextPreKeyId).toBe(1);
  expect(await later.state.keys.get("pre-key", ["98"])).toEqual({});
});

test("an older epoch cannot open what a newer one has", async () => {
  const channelId = await pairedChannel(database.db, { epoch: 6 });
  await expect(open(database.db, { channelId, epoch: 5 })).rejects.toThrow(FencedError);
});

/** A bound, so that a fence that refuses nothing fails the test instead of looping for ever. */
const writesMax = 1_000;

test("after a takeover at any moment, no later write of the deposed owner appears", async () => {
  const names = Array.from({ length: 10 }, (_, index) => `${index}`);
  for (let round = 0; round < 30; round++) {
    const channelId = await pairedChannel(database.db, { epoch: 5 });
    await using old = await open(database.db, { channelId, epoch: 5, onLost: () => undefined });
    let isDeposed = false;
    const deposed = (async () => {
      for (let turn = 0; turn < writesMax; turn++) {
        const text = isDeposed ? "late" : `early ${turn}`;
        await old.state.keys.set({ "lid-mapping": Object.fromEntries(names.map((name) => [name, text])) });
      }
    })().catch((error: unknown) => error);
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 15));
    await using next = await open(database.db, { channelId, epoch: 6 });
    isDeposed = true;
    expect(await deposed).toBeInstanceOf(FencedError);
    expect(Object.values(await next.state.keys.get("lid-mapping", names))).not.toContain("late");
  }
});

test("an unreachable database is never taken for missing credentials", async () => {
  const channelId = await pairedChannel(database.db);
  const before = await creds().findOne({ channelId });
  await using severable = await severableDatabase(database.db.databaseName);
  severable.cut();
  const gaveUp = new Error("gave up waiting");
  const controller = new AbortController();
  const opening = open(severable.db, { channelId, signal: controller.signal });
  setTimeout(() => controller.abort(gaveUp), 200);
  await expect(opening).rejects.toBe(gaveUp);
  expect(await creds().find({ channelId }).toArray()).toEqual([before]);
  await severable.mend();
  await using auth = await open(severable.db, { channelId });
  expect(auth.linked()).toBe(true);
});

test("a failed read ends the session, and the next one finds all rows", async () => {
  const channelId = await pairedChannel(database.db);
  await using severable = await severableDatabase(database.db.databaseName);
  const lost: Error[] = [];
  const controller = new AbortController();
  await using auth = await open(severable.db, {
    channelId,
    signal: controller.signal,
    onLost: (error) => lost.push(error),
  });
  severable.cut();
  const reading = auth.state.keys.get("session", ["15550002222.0"]);
  setTimeout(() => controller.abort(new Error("lease over")), 200);
  await expect(reading).rejects.toThrow("lease over");
  expect(lost).toHaveLength(1);
  await severable.mend();
  await using next = await open(severable.db, { channelId, epoch: 2 });
  expect(next.linked()).toBe(true);
});

test("a new channel whose fence cannot be raised is lost at once, not when a phone is linked", async () => {
  const channelId = randomUUID();
  await using _newer = await open(database.db, { channelId, epoch: 2 });
  const lost: Error[] = [];
  await using _new = await open(database.db, {
    channelId,
    epoch: 1,
    isNew: true,
    onLost: (error) => lost.push(error),
  });
  await eventually(() => lost.length > 0);
  expect(lost).toEqual([expect.any(FencedError)]);
});

test("a short database outage delays the session but does not end it", async () => {
  const channelId = await pairedChannel(database.db);
  await using severable = await severableDatabase(database.db.databaseName);
  await using auth = await open(severable.db, { channelId });
  severable.cut();
  const writing = auth.state.keys.set({ "lid-mapping": { a: "kept" } });
  setTimeout(() => void severable.mend(), 300);
  await writing;
  await using next = await open(database.db, { channelId, epoch: 2 });
  expect(await next.state.keys.get("lid-mapping", ["a"])).toEqual({ a: "kept" });
});

test("a value moved to another row is unreadable", async () => {
  const channelId = await pairedChannel(database.db);
  {
    await using auth = await open(database.db, { channelId });
    await auth.state.keys.set({ "lid-mapping": { a: "1", b: "2" } });
  }
  const [a, b] = [`${channelId}/lid-mapping/a`, `${channelId}/lid-mapping/b`];
  const keyData = (await keys().findOne({ _id: b }))?.keyData;
  await keys().updateOne({ _id: a }, { $set: { keyData } });
  const lost: Error[] = [];
  await using auth = await open(database.db, { channelId, onLost: (error) => lost.push(error) });
  await expect(auth.state.keys.get("lid-mapping", ["a"])).rejects.toMatchObject({ fault: "unreadable" });
  expect(lost).toHaveLength(1);
});

test("credentials without their data key are unreadable, not absent", async () => {
  const channelId = await pairedChannel(database.db);
  await keys().deleteOne({ _id: `${channelId}/data-key` });
  await expect(open(database.db, { channelId })).rejects.toMatchObject({ fault: "unreadable" });
});

test("a wrong master key is reported as such, not as missing credentials", async () => {
  const channelId = await pairedChannel(database.db);
  const opening = open(database.db, { channelId, masterKeys: [Buffer.alloc(32, 9)] });
  await expect(opening).rejects.toMatchObject({ fault: "unknown_master_key" });
});

test("rows that a failed pairing left under another master key do not count as credentials", async () => {
  const channelId = randomUUID();
  {
    await using auth = await open(database.db, { channelId });
    await auth.create();
    await auth.state.keys.set({ "pre-key": { "1": keyPair() } });
  }
  const fresh = Buffer.alloc(32, 9);
  {
    await using auth = await open(database.db, { channelId, epoch: 2, masterKeys: [fresh] });
    expect(auth.linked()).toBe(false);
    await auth.create();
    pair(auth.state.creds);
    auth.save();
  }
  await using auth = await open(database.db, { channelId, epoch: 3, masterKeys: [fresh] });
  expect(auth.linked()).toBe(true);
  expect(await auth.state.keys.get("pre-key", ["1"])).toEqual({});
});

test("the next write moves to a new master key, and then the old one is not needed", async () => {
  const channelId = await pairedChannel(database.db);
  const fresh = Buffer.alloc(32, 9);
  {
    await using auth = await open(database.db, { channelId, epoch: 2, masterKeys: [fresh, masterKey] });
    auth.state.creds.accountSyncCounter = 3;
    auth.save();
  }
  await using auth = await open(database.db, { channelId, epoch: 3, masterKeys: [fresh] });
  expect(auth.state.creds.accountSyncCounter).toBe(3);
  await expect(open(database.db, { channelId, epoch: 3 })).rejects.toMatchObject({
    fault: "unknown_master_key",
  });
});

test("credentials for another server are refused", async () => {
  const channelId = await pairedChannel(database.db);
  const opening = open(database.db, { channelId, server: "wss://elsewhere/ws/chat" });
  await expect(opening).rejects.toMatchObject({ fault: "wrong_server" });
});

test("erasing leaves nothing but the fence, which still refuses older owners", async () => {
  const channelId = await pairedChannel(database.db, { epoch: 4 });
  await using auth = await open(database.db, { channelId, epoch: 4 });
  const preKeys = Object.fromEntries(Array.from({ length: 1_500 }, (_, id) => [String(id + 1), keyPair()]));
  await auth.state.keys.set({ "pre-key": preKeys });
  await auth.erase();
  expect(auth.linked()).toBe(false);
  expect(await creds().countDocuments({ channelId })).toBe(0);
  expect(await keys().distinct("_id", { channelId })).toEqual([`${channelId}/fence`]);
  await expect(open(database.db, { channelId, epoch: 3 })).rejects.toThrow(FencedError);
});

test("after an erasure the channel can be linked again, with nothing left from before", async () => {
  const channelId = await pairedChannel(database.db);
  await using auth = await open(database.db, { channelId });
  const before = auth.state.creds.noiseKey;
  await auth.state.keys.set({ "lid-mapping": { a: "old" } });
  await auth.erase();
  await auth.create();
  pair(auth.state.creds);
  auth.save();
  await auth.flush();
  await using next = await open(database.db, { channelId, epoch: 2 });
  expect(next.state.creds.noiseKey.private).not.toEqual(before.private);
  expect(await next.state.keys.get("lid-mapping", ["a"])).toEqual({});
});

test("`create` erases rows left by an interrupted erasure", async () => {
  const channelId = await pairedChannel(database.db);
  {
    await using auth = await open(database.db, { channelId });
    await auth.state.keys.set({ "lid-mapping": { a: "left over" } });
  }
  await creds().deleteOne({ channelId });
  await using auth = await open(database.db, { channelId });
  await auth.create();
  expect(await auth.state.keys.get("lid-mapping", ["a"])).toEqual({});
});

test("nothing is written once the ownership has ended", async () => {
  const channelId = await pairedChannel(database.db);
  const controller = new AbortController();
  const lost: unknown[] = [];
  const ended = new Error("lease over");
  await using auth = await open(database.db, {
    channelId,
    signal: controller.signal,
    onLost: (error) => lost.push(error),
  });
  controller.abort(ended);
  await expect(auth.state.keys.set({ "lid-mapping": { a: "late" } })).rejects.toBe(ended);
  expect(lost).toEqual([ended]);
  expect(await keys().findOne({ _id: `${channelId}/lid-mapping/a` })).toBeNull();
});

test("closing completes pending writes and refuses later ones", async () => {
  const channelId = await pairedChannel(database.db);
  const auth = await open(database.db, { channelId });
  const { keys: store } = auth.state;
  const writing = store.set({ "lid-mapping": { a: "kept" } });
  await auth.close();
  await writing;
  expect(await keys().countDocuments({ _id: `${channelId}/lid-mapping/a` })).toBe(1);
  await expect(store.set({ "lid-mapping": { b: "late" } })).rejects.toMatchObject({ fault: "closed" });
});

test("a key id with a slash stays within its own channel", async () => {
  const [one, other] = [await pairedChannel(database.db), await pairedChannel(database.db)];
  await using auth = await open(database.db, { channelId: one });
  await using otherAuth = await open(database.db, { channelId: other });
  await auth.state.keys.set({ "lid-mapping": { "x/y": "mine" } });
  expect(await otherAuth.state.keys.get("lid-mapping", ["x/y"])).toEqual({});
});

/** Credentials in the form they have when read: bytes are Buffers. */
function plainBytes<T>(value: T): T {
  if (value instanceof Uint8Array) return Buffer.from(value) as never;
  if (typeof value !== "object" || value === null || "toJSON" in value || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, plainBytes(part)])) as T;
}
