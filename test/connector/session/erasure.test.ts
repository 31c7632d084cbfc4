import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { eraseCredentials } from "#connector/auth/erase-credentials.ts";
import { openEventLog } from "#connector/events/event-log.ts";
import { newMachine } from "#connector/machine/machine.ts";
import { FencedError, raiseFence } from "#connector/ownership/fence.ts";
import { createChannelStore } from "#connector/session/channel-store.ts";
import { createErasure, eraseChannel } from "#connector/session/erasure.ts";
import { createMachineRunner } from "#connector/session/machine-runner.ts";
import { defaultTimings } from "#connector/timings.ts";
import { collectionNames as names } from "#shared/collections.ts";
import { channelDocument, fileDatabase } from "../connector.fixture.ts";
import { sessionScope } from "../session-scope.fixture.ts";

const file = fileDatabase();
const ofChannels = [names.authCreds, names.authKeys, names.commands, names.messages, names.events];
const rows = (name: string) =>
  file.database.db.collection<{ _id: string; channelId: string; epoch?: number }>(name);

/** A channel with something of it in every collection, and its fences. */
async function channelWithEverything(): Promise<string> {
  const channelId = randomUUID();
  await rows(names.channels).insertOne({ _id: channelId, channelId });
  for (const name of ofChannels) {
    const ids = [channelId, `${channelId}/one`, `${channelId}/fence`];
    await rows(name).insertMany(ids.map((_id) => ({ _id, channelId, epoch: 1 })));
  }
  return channelId;
}

async function leftOf(channelId: string): Promise<Record<string, string[]>> {
  const found = await Promise.all(
    [names.channels, ...ofChannels].map(async (name) => [
      name,
      await rows(name).distinct("_id", { channelId }),
    ]),
  );
  return Object.fromEntries(found);
}

describe("erasing a channel", () => {
  test("leaves nothing but the fences, which keep a former owner out", async () => {
    const channelId = await channelWithEverything();
    await eraseChannel(file.database.db, channelId);
    const fences = ofChannels.map((name) => [name, [`${channelId}/fence`]]);
    expect(await leftOf(channelId)).toEqual({ ...Object.fromEntries(fences), channels: [] });
  });

  test("lets the fences go when retention takes what is as old", async () => {
    const channelId = await channelWithEverything();
    await eraseChannel(file.database.db, channelId);
    const fenceIn = (name: string) => rows(name).findOne({ _id: `${channelId}/fence` });
    expect(await fenceIn(names.events)).toMatchObject({ timestamp: expect.any(Date) });
    const { expiresAt } = (await fenceIn(names.authKeys)) as unknown as { expiresAt: Date };
    expect(expiresAt.getTime()).toBeGreaterThan(Date.now() + 86_400_000);
  });

  test("takes with it a command of who had found the channel just before it went", async () => {
    const channelId = await channelWithEverything();
    const { db } = file.database;
    const late = { _id: `${channelId}/late`, channelId };
    const channels = {
      async deleteOne(filter: { _id: string }) {
        await rows(names.commands).insertOne(late);
        return rows(names.channels).deleteOne(filter);
      },
    };
    const collection = (name: string) => (name === names.channels ? channels : db.collection(name));
    await eraseChannel({ collection } as unknown as typeof db, channelId);
    expect((await leftOf(channelId))[names.commands]).toEqual([`${channelId}/fence`]);
  });

  test("touches no other channel, and may be done again", async () => {
    const [erased, kept] = [await channelWithEverything(), await channelWithEverything()];
    const before = await leftOf(kept);
    await eraseChannel(file.database.db, erased);
    await eraseChannel(file.database.db, erased);
    expect(await leftOf(kept)).toEqual(before);
  });
});

test("erasing the credentials leaves the channel and its history", async () => {
  const channelId = await channelWithEverything();
  const before = await leftOf(channelId);
  await eraseCredentials(file.database.db, { channelId, epoch: 1 });
  const fence = [`${channelId}/fence`];
  expect(await rows(names.authKeys).findOne({ channelId })).not.toHaveProperty("expiresAt");
  expect(await leftOf(channelId)).toEqual({
    ...before,
    [names.authCreds]: before[names.authCreds]?.filter((_id) => _id !== channelId),
    [names.authKeys]: fence,
  });
});

test("an owner that was succeeded erases nothing of what its successor has", async () => {
  const channelId = await channelWithEverything();
  const before = await leftOf(channelId);
  const { db } = file.database;
  await raiseFence(db.collection(names.authKeys), { channelId, epoch: 2 });
  await expect(eraseCredentials(db, { channelId, epoch: 1 })).rejects.toThrow(FencedError);
  expect(await leftOf(channelId)).toEqual(before);
});

/** The erasure of a linked channel; what it does is noted in order, with whether the document was there then. */
async function erasureOf({ isOwner = true, db = file.database.db } = {}) {
  const channel = channelDocument({ owner: { connector: "me", epoch: 1 } });
  const channelId = channel._id;
  await file.all.channels.insertOne(channel);
  const read = () => file.all.channels.findOne({ _id: channelId });
  const fence = { channelId, epoch: 1 };
  const channelStore = createChannelStore(file.all, fence);
  const done: string[] = [];
  const scope = sessionScope({
    channelId,
    isOwner: () => isOwner,
    fail: (error) => void done.push(String(error)),
  });
  const machineRunner = createMachineRunner(scope, {
    ...{ channelStore, limits: defaultTimings, lastDisconnect: null },
    initial: newMachine("active"),
    events: await openEventLog(file.all.events, fence),
    perform: async ({ type }) =>
      void done.push(`${type}, ${(await read())?.deletedAt ? "marked" : "unmarked"}`),
    isLinked: () => true,
    isWrongAccount: () => false,
    onChange: () => undefined,
  });
  const { erase } = createErasure(scope, {
    ...{ db, channelStore, machineRunner },
    release: async () => void done.push(`let go, ${(await read()) ? "there" : "erased"}`),
    onEnd: (hasFailed) => void done.push(hasFailed ? "failed" : "ended"),
  });
  return { erase, read, done };
}

describe("the erasure of a channel", () => {
  const unlinking = ["cancel_retry", "unlink_device", "erase_credentials", "drop_wish"].map(
    (effect) => `${effect}, marked`,
  );

  test("marks it, unlinks, lets go, removes and ends, in this order and once", async () => {
    const { erase, read, done } = await erasureOf();
    await Promise.all([erase(), erase()]);
    await erase();
    expect(done).toEqual([...unlinking, "let go, there", "ended"]);
    expect(await read()).toBeNull();
  });

  test("leaves the marked channel to the next owner when this one was deposed meanwhile", async () => {
    const { erase, read, done } = await erasureOf({ isOwner: false });
    await erase();
    expect(done).toEqual(unlinking);
    expect(await read()).toMatchObject({ deletedAt: expect.any(Date) });
  });

  test("that the database did not carry out ends as failed, with the mark for the next look", async () => {
    const collection = () => {
      throw new Error("away");
    };
    const { erase, read, done } = await erasureOf({
      db: { collection } as unknown as typeof file.database.db,
    });
    await erase();
    expect(done).toEqual([...unlinking, "let go, there", "failed"]);
    expect(await read()).toMatchObject({ deletedAt: expect.any(Date) });
  });
});
