import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FencedError, fenceOperation } from "#connector/ownership/fence.ts";
import { raiseFence } from "#connector/ownership/raise-fence.ts";
import { fenceId } from "#shared/collections.ts";
import { countedCommands } from "#test/support/counted-commands.ts";
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
const newFences = (count: number) =>
  Array.from({ length: count }, () => ({ channelId: randomUUID(), epoch: 5 }));

test("the fence rises or stays, and never falls", async () => {
  const channelId = randomUUID();
  expect(await raiseFence(rows(), { channelId, epoch: 3 })).toMatchObject({ channelId, epoch: 3 });
  expect(await raiseFence(rows(), { channelId, epoch: 3 })).toMatchObject({ epoch: 3 });
  expect(await raiseFence(rows(), { channelId, epoch: 5 })).toMatchObject({ epoch: 5 });
  await expect(raiseFence(rows(), { channelId, epoch: 4 })).rejects.toThrow(FencedError);
});

test("raising the fence resolves with the other fields of its row", async () => {
  const channelId = randomUUID();
  await raiseFence(rows(), { channelId, epoch: 1 });
  await rows().bulkWrite([fenceOperation({ channelId, epoch: 1 }, { lastSeq: 41 })]);
  expect(await raiseFence(rows(), { channelId, epoch: 2 })).toMatchObject({ lastSeq: 41 });
});

test("fences that are raised at once share two commands, and each resolves with its own row", async () => {
  await using counted = await countedCommands(database);
  const shared = counted.db.collection<Row>("rows");
  const fences = newFences(20);
  await raiseFence(shared, { ...fences[0], channelId: fences[0]?.channelId ?? "", epoch: 1 }, { lastSeq: 7 });
  counted.names.length = 0;
  const raised = await Promise.all(fences.map((fence) => raiseFence(shared, fence)));
  expect(counted.names).toEqual(["update", "find"]);
  expect(raised.map(({ channelId, epoch }) => ({ channelId, epoch }))).toEqual(fences);
  expect(raised.map(({ lastSeq }) => lastSeq)).toEqual([7, ...fences.slice(1).map(() => undefined)]);
});

test("of fences that are raised at once, one that is superseded is refused alone", async () => {
  const shared = rows();
  const fences = newFences(3);
  await raiseFence(shared, { channelId: fences[1]?.channelId ?? "", epoch: 6 });
  const outcomes = await Promise.allSettled(fences.map((fence) => raiseFence(shared, fence)));
  expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(outcomes[1]).toMatchObject({
    reason: new FencedError({ channelId: fences[1]?.channelId ?? "", epoch: 5 }),
  });
});

test("of two owners of one channel that raise its fence at once, the newer wins", async () => {
  const shared = rows();
  const channelId = randomUUID();
  const epochs = [6, 5, 7];
  const raising = epochs.map((epoch) => raiseFence(shared, { channelId, epoch }));
  const outcomes = await Promise.allSettled(raising);
  expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected", "fulfilled"]);
});

test("a row that a transaction holds delays no other channel until that has ended", async () => {
  const shared = rows();
  const fences = newFences(3);
  const [held = { channelId: "", epoch: 0 }, ...others] = fences;
  await raiseFence(shared, { ...held, epoch: 1 });
  await using session = database.client.startSession();
  session.startTransaction();
  await shared.updateOne({ _id: fenceId(held.channelId) }, { $inc: { n: 1 } }, { session });
  let isRaised = false;
  const raising = raiseFence(shared, held).then(() => {
    isRaised = true;
  });
  await Promise.all(others.map((fence) => raiseFence(shared, fence)));
  expect(isRaised).toBe(false);
  await session.abortTransaction();
  await raising;
});
