import { afterAll, beforeAll, expect, test } from "vitest";
import { authCollections } from "#connector/auth/auth-rows.ts";
import { FencedError } from "#connector/ownership/fence.ts";
import { countedCommands } from "#test/support/counted-commands.ts";
import { type TestDatabase, testDatabase } from "#test/support/test-database.ts";
import { open, pairedChannel } from "./auth.fixture.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

const count = 12;
const pairedChannels = () => Promise.all(Array.from({ length: count }, () => pairedChannel(database.db)));

test("auth states that are opened at once share their commands, and each gets its own credentials and keys", async () => {
  const channelIds = await pairedChannels();
  const { creds } = authCollections(database.db);
  const ids = new Set<string>();
  for (const [index, channelId] of channelIds.entries()) {
    await using auth = await open(database.db, { channelId, epoch: 2 });
    await auth.state.keys.set({ "lid-mapping": { "1": `lid of ${index}` } });
    ids.add(String(auth.state.creds.registrationId) + auth.state.creds.advSecretKey);
  }
  expect(ids.size).toBe(count);
  await using counted = await countedCommands(database);
  const opened = await Promise.all(channelIds.map((channelId) => open(counted.db, { channelId, epoch: 3 })));
  // Fences: read, raised, found; credentials: taken, found; data keys: read.
  expect(counted.names.toSorted()).toEqual(["find", "find", "find", "find", "update", "update"]);
  expect(await creds.countDocuments({ _id: { $in: channelIds }, epoch: 3 })).toBe(count);
  counted.names.length = 0;
  const keys = await Promise.all(opened.map(({ state }) => state.keys.get("lid-mapping", ["1", "2"])));
  expect(counted.names).toEqual(["find"]);
  expect(keys).toEqual(channelIds.map((_, index) => ({ "1": `lid of ${index}` })));
  expect(
    new Set(opened.map(({ state: { creds } }) => String(creds.registrationId) + creds.advSecretKey)),
  ).toEqual(ids);
  await Promise.all(opened.map((auth) => auth.close()));
});

test("of auth states that are opened at once, a deposed one is refused alone", async () => {
  const channelIds = await pairedChannels();
  const [deposed = ""] = channelIds;
  await (await open(database.db, { channelId: deposed, epoch: 9 })).close();
  const opening = channelIds.map((channelId) => open(database.db, { channelId, epoch: 2 }));
  const outcomes = await Promise.allSettled(opening);
  expect(outcomes[0]).toMatchObject({ status: "rejected", reason: expect.any(FencedError) });
  expect(outcomes.slice(1).every(({ status }) => status === "fulfilled")).toBe(true);
  for (const one of outcomes) if (one.status === "fulfilled") await one.value.close();
});
