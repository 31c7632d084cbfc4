import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Fence, FencedError, fencedError, fenceOperation } from "#connector/ownership/fence.ts";
import { raiseFence } from "#connector/ownership/raise-fence.ts";
import { type TestDatabase, testDatabase } from "#test/support/test-database.ts";

interface Row {
  _id: string;
  epoch?: number;
}

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

const rows = () => database.db.collection<Row>("rows");

async function write(fence: Fence, ids: readonly string[]): Promise<void> {
  const puts = ids.map((id) => ({
    updateOne: { filter: { _id: id }, update: { $set: { epoch: fence.epoch } }, upsert: true },
  }));
  try {
    await rows().bulkWrite([fenceOperation(fence), ...puts], { ordered: true });
  } catch (error) {
    throw fencedError(error, fence);
  }
}

test("a bulk of a deposed owner writes nothing", async () => {
  const channelId = randomUUID();
  const id = `${channelId}/x`;
  await raiseFence(rows(), { channelId, epoch: 5 });
  await write({ channelId, epoch: 5 }, [id]);
  await raiseFence(rows(), { channelId, epoch: 6 });
  await expect(write({ channelId, epoch: 5 }, [id, `${id}2`])).rejects.toThrow(FencedError);
  expect(await rows().findOne({ _id: id })).toMatchObject({ epoch: 5 });
  expect(await rows().findOne({ _id: `${id}2` })).toBeNull();
});

test("only a collision in operation 0 becomes a FencedError; a duplicate key among the rows stays as it is", async () => {
  const fence = { channelId: randomUUID(), epoch: 1 };
  const taken = `${fence.channelId}/taken`;
  await write(fence, [taken]);
  const bulk = rows().bulkWrite([fenceOperation(fence), { insertOne: { document: { _id: taken } } }]);
  const error = await bulk.catch((thrown: unknown) => fencedError(thrown, fence));
  expect(error).not.toBeInstanceOf(FencedError);
  expect(error).toMatchObject({ code: 11000 });
});

test("once a takeover is acknowledged, no bulk that starts later with the old epoch is accepted", async () => {
  for (let round = 0; round < 50; round++) {
    const channelId = randomUUID();
    const [old, next] = [
      { channelId, epoch: 5 },
      { channelId, epoch: 6 },
    ];
    const ids = Array.from({ length: 20 }, (_, index) => `${channelId}/${index}`);
    await raiseFence(rows(), old);
    let isDeposed = false;
    let acceptedLate = 0;
    const deposed = (async () => {
      // Bounded, so that a fence that refuses nothing fails the test instead of looping for ever.
      for (let turn = 0; turn < 1_000; turn++) {
        const startedLate = isDeposed;
        await write(old, ids);
        if (startedLate) acceptedLate++;
      }
    })().catch((error: unknown) => error);
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 10));
    await raiseFence(rows(), next);
    isDeposed = true;
    expect(await deposed).toBeInstanceOf(FencedError);
    expect(acceptedLate).toBe(0);
    await write(next, ids);
    expect(await rows().countDocuments({ _id: { $in: ids }, epoch: { $ne: 6 } })).toBe(0);
  }
});
