import { expect, test } from "vitest";
import { eraseCredentials } from "#connector/auth/erase-credentials.ts";
import { FencedError } from "#connector/ownership/fence.ts";
import { raiseFence } from "#connector/ownership/raise-fence.ts";
import { collectionNames as names } from "#shared/collections.ts";
import { channelRows } from "../channel-rows.fixture.ts";
import { fileDatabase } from "../connector.fixture.ts";

const file = fileDatabase();
const { rows, channelWithEverything, remainingRows } = channelRows(file);

test("erasing the credentials leaves the channel and its history", async () => {
  const channelId = await channelWithEverything();
  const before = await remainingRows(channelId);
  await eraseCredentials(file.database.db, { channelId, epoch: 1 });
  const fence = [`${channelId}/fence`];
  expect(await rows(names.authKeys).findOne({ channelId })).not.toHaveProperty("expiresAt");
  expect(await remainingRows(channelId)).toEqual({
    ...before,
    [names.authCreds]: before[names.authCreds]?.filter((_id) => _id !== channelId),
    [names.authKeys]: fence,
  });
});

test("a deposed owner erases nothing of its successor", async () => {
  const channelId = await channelWithEverything();
  const before = await remainingRows(channelId);
  const { db } = file.database;
  await raiseFence(db.collection(names.authKeys), { channelId, epoch: 2 });
  await expect(eraseCredentials(db, { channelId, epoch: 1 })).rejects.toThrow(FencedError);
  expect(await remainingRows(channelId)).toEqual(before);
});
