import { describe, expect, test } from "vitest";
import { openEventLog } from "#connector/events/event-log.ts";
import { newMachine } from "#connector/machine/machine.ts";
import { createChannelStore } from "#connector/session/channel-store.ts";
import { createErasure, eraseChannel } from "#connector/session/erasure.ts";
import { createMachineRunner } from "#connector/session/machine-runner.ts";
import { defaultTimings } from "#connector/timings.ts";
import { collectionNames as names } from "#shared/collections.ts";
import { channelDocument } from "#test/support/documents.ts";
import { channelData, channelRows } from "../channel-rows.fixture.ts";
import { fileDatabase } from "../connector.fixture.ts";
import { sessionScope } from "../session-scope.fixture.ts";

const file = fileDatabase();
const { rows, channelWithEverything, remainingRows } = channelRows(file);

describe("erasing a channel", () => {
  test("removes everything but the fences, which keep a former owner out", async () => {
    const channelId = await channelWithEverything();
    await eraseChannel(file.database.db, channelId);
    const fences = channelData.map((name) => [name, [`${channelId}/fence`]]);
    expect(await remainingRows(channelId)).toEqual({ ...Object.fromEntries(fences), channels: [] });
  });

  test("gives the fences an expiry", async () => {
    const channelId = await channelWithEverything();
    await eraseChannel(file.database.db, channelId);
    const fenceIn = (name: string) => rows(name).findOne({ _id: `${channelId}/fence` });
    expect(await fenceIn(names.events)).toMatchObject({ timestamp: expect.any(Date) });
    const { expiresAt } = (await fenceIn(names.authKeys)) as unknown as { expiresAt: Date };
    expect(expiresAt.getTime()).toBeGreaterThan(Date.now() + 86_400_000);
  });

  test("removes a command inserted by a function that found the channel just before its removal", async () => {
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
    expect((await remainingRows(channelId))[names.commands]).toEqual([`${channelId}/fence`]);
  });

  test("touches no other channel, and can be repeated", async () => {
    const [erased, kept] = [await channelWithEverything(), await channelWithEverything()];
    const before = await remainingRows(kept);
    await eraseChannel(file.database.db, erased);
    await eraseChannel(file.database.db, erased);
    expect(await remainingRows(kept)).toEqual(before);
  });
});

/** The erasure of a linked channel. `steps` lists what it did, with the state of the document at that moment. */
async function erasureOf({ isOwner = true, db = file.database.db } = {}) {
  const channel = channelDocument({ owner: { connector: "me", epoch: 1 } });
  const channelId = channel._id;
  await file.all.channels.insertOne(channel);
  const read = () => file.all.channels.findOne({ _id: channelId });
  const fence = { channelId, epoch: 1 };
  const channelStore = createChannelStore(file.all, fence);
  const steps: string[] = [];
  const scope = sessionScope({
    channelId,
    isOwner: () => isOwner,
    fail: (error) => void steps.push(String(error)),
  });
  const machineRunner = createMachineRunner(scope, {
    ...{ channelStore, limits: defaultTimings, lastDisconnect: null },
    initial: newMachine("active"),
    events: await openEventLog(file.all.events, fence),
    perform: async ({ type }) =>
      void steps.push(`${type}, ${(await read())?.deletedAt ? "marked" : "unmarked"}`),
    isLinked: () => true,
    isWrongAccount: () => false,
    onChange: () => undefined,
  });
  const { erase } = createErasure(scope, {
    ...{ db, channelStore, machineRunner },
    release: async () => void steps.push(`release, ${(await read()) ? "present" : "erased"}`),
    onEnd: (hasFailed) => void steps.push(hasFailed ? "failed" : "ended"),
  });
  return { erase, read, steps };
}

describe("an erasure", () => {
  const unlinking = ["cancel_retry", "unlink_device", "erase_credentials", "drop_wish"].map(
    (effect) => `${effect}, marked`,
  );

  test("marks the channel, unlinks, releases, removes and ends, in this order and once", async () => {
    const { erase, read, steps } = await erasureOf();
    await Promise.all([erase(), erase()]);
    await erase();
    expect(steps).toEqual([...unlinking, "release, present", "ended"]);
    expect(await read()).toBeNull();
  });

  test("leaves the marked channel to the next owner when this owner was deposed meanwhile", async () => {
    const { erase, read, steps } = await erasureOf({ isOwner: false });
    await erase();
    expect(steps).toEqual(unlinking);
    expect(await read()).toMatchObject({ deletedAt: expect.any(Date) });
  });

  test("ends the session as failed when the database fails, and leaves the mark for the next sweep", async () => {
    const collection = () => {
      throw new Error("unavailable");
    };
    const { erase, read, steps } = await erasureOf({
      db: { collection } as unknown as typeof file.database.db,
    });
    await erase();
    expect(steps).toEqual([...unlinking, "release, present", "failed"]);
    expect(await read()).toMatchObject({ deletedAt: expect.any(Date) });
  });
});
