import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { FencedError, raiseFence } from "../../connector/auth/fence.ts";
import { eraseAuthRows, eraseChannel } from "../../connector/erasure.ts";
import { collectionNames as names } from "../../shared/collections.ts";
import { fileDatabase } from "./connector-fixture.ts";

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
  await eraseAuthRows(file.database.db, { channelId, epoch: 1 });
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
  await expect(eraseAuthRows(db, { channelId, epoch: 1 })).rejects.toThrow(FencedError);
  expect(await leftOf(channelId)).toEqual(before);
});
