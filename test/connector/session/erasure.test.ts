import { describe, expect, test } from "vitest";
import { openEventLog } from "#connector/events/event-log.ts";
import { newMachine } from "#connector/machine/machine.ts";
import { createChannelStore } from "#connector/session/channel-store.ts";
import { createErasure, eraseChannel } from "#connector/session/erasure.ts";
import { createMachineRunner } from "#connector/session/machine-runner.ts";
import { defaultTimings } from "#connector/timings.ts";
import { collectionNames as names } from "#shared/collections.ts";
import { channelDocument, commandDocument } from "#test/support/documents.ts";
import { channelData, channelRows } from "../channel-rows.fixture.ts";
import { fileDatabase } from "../connector.fixture.ts";
import { sessionScope } from "../session-scope.fixture.ts";

const file = fileDatabase();
const { rows, channelWithEverything, remainingRows } = channelRows(file);
const confirmed = { state: "succeeded" as const, result: {} };

describe("erasing a channel", () => {
  test("removes everything but the fences, which keep a former owner out", async () => {
    const channelId = await channelWithEverything();
    await eraseChannel(file.database.db, channelId, confirmed);
    const fences = channelData.map((name) => [name, [`${channelId}/fence`]]);
    expect(await remainingRows(channelId)).toEqual({ ...Object.fromEntries(fences), channels: [] });
  });

  test("gives the fences an expiry", async () => {
    const channelId = await channelWithEverything();
    await eraseChannel(file.database.db, channelId, confirmed);
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
    await eraseChannel({ collection } as unknown as typeof db, channelId, confirmed);
    expect((await remainingRows(channelId))[names.commands]).toEqual([`${channelId}/fence`]);
  });

  test("keeps and settles the commands that delete it, and no other", async () => {
    const channelId = await channelWithEverything();
    const deletions = [
      commandDocument(channelId, { type: "channel.delete", lane: 0, state: "running" }),
      commandDocument(channelId, { type: "channel.delete", lane: 0 }),
    ];
    await file.all.commands.insertMany([...deletions, commandDocument(channelId)]);
    await eraseChannel(file.database.db, channelId, confirmed);
    const kept = await file.all.commands.find({ channelId, type: { $exists: true } }).toArray();
    expect(new Set(kept.map(({ _id }) => _id))).toEqual(new Set(deletions.map(({ _id }) => _id)));
    for (const command of kept) expect(command).toMatchObject({ ...confirmed, doneAt: expect.any(Date) });
  });

  test("touches no other channel, and can be repeated", async () => {
    const [erased, kept] = [await channelWithEverything(), await channelWithEverything()];
    const before = await remainingRows(kept);
    await eraseChannel(file.database.db, erased, confirmed);
    await eraseChannel(file.database.db, erased, confirmed);
    expect(await remainingRows(kept)).toEqual(before);
  });
});

/** The erasure of a linked channel. `steps` lists what it did, with the state of the document at that moment. */
async function erasureOf({
  isOwner = true,
  db = file.database.db,
  hasAnswer = true,
  onRelease = () => {},
} = {}) {
  const channel = channelDocument({ owner: { connector: "me", epoch: 1 } });
  const channelId = channel._id;
  await file.all.channels.insertOne(channel);
  const read = () => file.all.channels.findOne({ _id: channelId });
  const fence = { channelId, epoch: 1 };
  const channelStore = createChannelStore(file.all, fence);
  const steps: string[] = [];
  const ended = new AbortController();
  const scope = sessionScope({
    channelId,
    ended: ended.signal,
    isOwner: () => isOwner,
    fail: (error) => void steps.push(String(error)),
  });
  const machineRunner = createMachineRunner(scope, {
    ...{ channelStore, lastDisconnect: null },
    limits: { ...defaultTimings, unlinkMaxMs: hasAnswer ? defaultTimings.unlinkMaxMs : 0 },
    initial: newMachine("active"),
    events: await openEventLog(file.all.events, fence),
    async perform({ type }) {
      steps.push(`${type}, ${(await read())?.deletedAt ? "marked" : "unmarked"}`);
      const unconfirmed = { type: "closed", reason: { kind: "unlink_unconfirmed" }, code: null } as const;
      if (type === "unlink_device")
        void machineRunner.dispatch(hasAnswer ? { type: "unlinked" } : unconfirmed);
    },
    isLinked: () => true,
    account: {
      linked: () => ({ phoneNumber: null, lid: null }),
      accept: () => undefined,
      isWrongAccount: () => false,
    },
    forgetCode: async () => undefined,
    onChange: () => undefined,
  });
  const { erase, tidy } = createErasure(scope, {
    ...{ db, channelStore, machineRunner },
    stopSending: () => void steps.push("stop sending"),
    async release() {
      steps.push(`release, ${(await read()) ? "present" : "erased"}`);
      onRelease();
    },
    onEnd: (hasFailed) => void steps.push(hasFailed ? "failed" : "ended"),
  });
  return { erase, tidy, read, steps, channelId, end: () => ended.abort() };
}

describe("an erasure", () => {
  const marked = (effects: string[]) => effects.map((effect) => `${effect}, marked`);
  const asking = ["stop sending", ...marked(["unlink_device", "drop_wish"])];
  const unlinking = [
    ...asking,
    ...marked(["cancel_retry", "close_socket", "erase_credentials", "drop_wish"]),
  ];

  test("marks the channel, unlinks, releases, removes and ends, in this order and once", async () => {
    const { erase, read, steps } = await erasureOf();
    await Promise.all([erase(), erase()]);
    await erase();
    expect(steps).toEqual([...unlinking, "release, present", "ended"]);
    expect(await read()).toBeNull();
  });

  test("erases the rest, too, when WhatsApp has not confirmed the unlinking in time, and its command says so", async () => {
    const { erase, read, steps, channelId } = await erasureOf({ hasAnswer: false });
    const command = commandDocument(channelId, { type: "channel.delete", lane: 0 });
    await file.all.commands.insertOne(command);
    await erase();
    const givingUp = marked(["cancel_retry", "close_socket", "report_unconfirmed", "drop_wish"]);
    expect(steps).toEqual([...asking, ...givingUp, "release, present", "ended"]);
    expect(await read()).toBeNull();
    expect(await file.all.commands.findOne({ _id: command._id })).toMatchObject({
      state: "failed",
      error: { code: "expired" },
    });
  });

  test("removes what callers have inserted since it began, and leaves its own command", async () => {
    const { tidy, channelId } = await erasureOf();
    await file.all.channels.updateOne({ _id: channelId }, { $set: { "owner.epoch": 1 } });
    const late = [
      commandDocument(channelId),
      commandDocument(channelId, { type: "channel.delete", lane: 0, state: "succeeded" }),
    ];
    await tidy();
    await file.all.commands.insertMany(late);
    await tidy();
    expect(await file.all.commands.distinct("type", { channelId })).toEqual(["channel.delete"]);
  });

  test("leaves the marked channel to the next owner when this owner was deposed meanwhile", async () => {
    const { erase, read, steps } = await erasureOf({ isOwner: false });
    await erase();
    expect(steps).toEqual(unlinking);
    expect(await read()).toMatchObject({ deletedAt: expect.any(Date) });
  });

  test("ends the session as failed when the database fails, and leaves the mark for the next sweep", async () => {
    let isBroken = false;
    const collection = (name: string) => {
      if (isBroken) throw new Error("unavailable");
      return file.database.db.collection(name);
    };
    const { erase, read, steps } = await erasureOf({
      db: { collection } as unknown as typeof file.database.db,
      onRelease: () => {
        isBroken = true;
      },
    });
    await erase();
    expect(steps).toEqual([...unlinking, "release, present", "failed"]);
    expect(await read()).toMatchObject({ deletedAt: expect.any(Date) });
  });

  test("asks nothing of WhatsApp before what the channel holds is erased", async () => {
    const collection = () => {
      throw new Error("unavailable");
    };
    const { erase, tidy, read, steps } = await erasureOf({
      db: { collection } as unknown as typeof file.database.db,
    });
    await tidy();
    await expect(erase()).rejects.toThrow("unavailable");
    expect(steps).toEqual(["stop sending", "Error: unavailable"]);
    expect(await read()).toMatchObject({ deletedAt: expect.any(Date) });
  });
});
