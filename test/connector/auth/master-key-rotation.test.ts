import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { masterKeyId } from "#connector/auth/envelope.ts";
import { rotateMasterKey } from "#connector/auth/master-key-rotation.ts";
import { endLease, insertLease } from "#connector/ownership/connector-lease-store.ts";
import { collections } from "#shared/database.ts";
import { startChild } from "#test/support/child.ts";
import { type TestDatabase, testDatabase } from "#test/support/test-database.ts";
import { keyPair, open, pairedChannel } from "./auth.fixture.ts";

const [old, fresh] = [randomBytes(32), randomBytes(32)];

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

const authKeys = () => database.db.collection<{ _id: string }>("whatsapp_auth_keys");

test("after a rotation the newest key alone opens every channel, with the same contents", async () => {
  const channelIds = [];
  for (let count = 0; count < 3; count++) {
    channelIds.push(await pairedChannel(database.db, { masterKeys: [old] }));
  }
  const current = await pairedChannel(database.db, { masterKeys: [fresh] });

  const rotation = await rotateMasterKey(database.db, [fresh, old]);
  expect(rotation).toEqual({ rewrapped: 3, current: 1, unreadable: [] });
  for (const channelId of [...channelIds, current]) {
    await using auth = await open(database.db, { channelId, epoch: 2, masterKeys: [fresh] });
    expect(auth.state.creds.me?.id).toMatch(/^15550001111/);
  }
  expect(await rotateMasterKey(database.db, [fresh, old])).toMatchObject({ rewrapped: 0, unreadable: [] });
});

test("an owner that writes during a rotation loses nothing, and the next owner needs only the newest key", async () => {
  const channelId = await pairedChannel(database.db, { masterKeys: [old] });
  const before = keyPair();
  {
    await using auth = await open(database.db, { channelId, epoch: 2, masterKeys: [old] });
    await auth.state.keys.set({ "pre-key": { "1": before } });
    let isDone = false;
    const writing = (async () => {
      for (let count = 0; !isDone; count++)
        await auth.state.keys.set({ "lid-mapping": { pn: `lid${count}` } });
    })();
    expect((await rotateMasterKey(database.db, [fresh, old])).rewrapped).toBe(1);
    isDone = true;
    await writing;
    await auth.state.keys.set({ "lid-mapping": { pn: "last" } });
  }
  await using auth = await open(database.db, { channelId, epoch: 3, masterKeys: [fresh] });
  expect(await auth.state.keys.get("lid-mapping", ["pn"])).toEqual({ pn: "last" });
  expect(await auth.state.keys.get("pre-key", ["1"])).toEqual({ "1": before });
});

test("a rotation does not bring back an erased channel", async () => {
  const channelId = await pairedChannel(database.db, { masterKeys: [old] });
  await authKeys().deleteMany({ _id: `${channelId}/data-key` });
  await rotateMasterKey(database.db, [fresh, old]);
  expect(await authKeys().countDocuments({ _id: `${channelId}/data-key` })).toBe(0);
});

test("nothing is wrapped by a key that a living connector lacks, by a rotation or by an owner", async () => {
  await using apart = await testDatabase();
  const channelId = await pairedChannel(apart.db, { masterKeys: [old] });
  const wrappedBy = () => apart.db.collection("whatsapp_auth_keys").distinct("masterKeyId", { channelId });
  const [before] = await wrappedBy();
  const { connectors } = collections(apart.db);
  const lease = { capacity: 1, leaseMs: 600_000 };
  const [both, one] = [[masterKeyId(fresh), masterKeyId(old)], [masterKeyId(old)]];
  await insertLease(connectors, { ...lease, id: "east", name: "east", masterKeyIds: both });
  await insertLease(connectors, { ...lease, id: "west", name: "west", masterKeyIds: one });
  await expect(rotateMasterKey(apart.db, [fresh, old])).rejects.toThrow(/west/);
  let isShared = false;
  await using auth = await open(apart.db, {
    ...{ channelId, epoch: 2, masterKeys: [fresh, old] },
    isSharedKey: (id) => isShared || id !== masterKeyId(fresh),
  });
  const write = (lid: string) => auth.state.keys.set({ "lid-mapping": { pn: lid } });
  await write("one");
  expect(await wrappedBy()).toEqual([before]);
  isShared = true;
  await write("two");
  expect(await wrappedBy()).toEqual([masterKeyId(fresh)]);
  await endLease(connectors, "west");
  expect(await rotateMasterKey(apart.db, [fresh, old])).toMatchObject({ current: 1, unreadable: [] });
});

test("a new channel's data key is wrapped by a key that every living connector has", async () => {
  const isSharedKey = (id: string) => id === masterKeyId(old);
  const channelId = await pairedChannel(database.db, { masterKeys: [fresh, old], isSharedKey });
  await using auth = await open(database.db, { channelId, epoch: 2, masterKeys: [old] });
  expect(auth.linked()).toBe(true);
});

test("the command prints its result, and fails as long as a channel needs a key that is not given", async () => {
  await using apart = await testDatabase();
  const lost = await pairedChannel(apart.db, { masterKeys: [randomBytes(32)] });
  await pairedChannel(apart.db, { masterKeys: [old] });
  const run = async () => {
    await using child = startChild(new URL("../../../connector/rotate-keys.ts", import.meta.url), [], {
      env: { MONGO_URI: apart.uri, ENCRYPTION_KEY: `${fresh.toString("base64")},${old.toString("base64")}` },
    });
    return { code: await child.ended, said: child.out };
  };
  const failed = await run();
  expect(failed).toEqual({ code: 1, said: expect.stringContaining("1 re-encrypted with the newest key") });
  expect(failed.said).toContain(lost);

  await apart.db.collection<{ _id: string }>("whatsapp_auth_creds").deleteOne({ _id: lost });
  expect(await run()).toEqual({ code: 0, said: expect.stringContaining("can be removed") });
});
