import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { createCommandWrites } from "#connector/commands/command-writes.ts";
import { FencedError } from "#connector/ownership/fence.ts";
import { commandDocument } from "#test/support/documents.ts";
import { fileDatabase } from "../connector.fixture.ts";
import { hookedCollections } from "../faulty-collections.fixture.ts";

const file = fileDatabase();

/** Writes of one process, which counts its commands, and a command of each of `count` channels. */
async function writesOf(count: number) {
  const commands = Array.from({ length: count }, () => commandDocument(randomUUID()));
  await file.all.commands.insertMany(commands);
  const calls: unknown[] = [];
  const hooked = hookedCollections(file.all, {
    async before({ method }) {
      calls.push(method);
    },
  });
  const { claims } = createCommandWrites(hooked.commands);
  const states = async () =>
    Promise.all(commands.map(async ({ _id }) => (await file.all.commands.findOne({ _id }))?.state));
  return { commands, calls, claims, states };
}

const run = [{ $set: { state: "running" } }];
const fenceOf = ({ channelId }: { channelId: string }) => ({ channelId, epoch: 1 });

test("updates of several channels share one write, and all are told that they are certain", async () => {
  const { commands, calls, claims, states } = await writesOf(3);
  const done = commands.map((command) =>
    claims.submit({ fence: fenceOf(command), updates: [{ filter: { _id: command._id }, update: run }] }),
  );
  expect(await Promise.all(done)).toEqual([true, true, true]);
  expect(calls).toEqual(["bulkWrite"]);
  expect(await states()).toEqual(["running", "running", "running"]);
});

test("an owner past its deadline is refused alone", async () => {
  const { commands, claims, states } = await writesOf(3);
  const done = commands.map((command, index) =>
    claims.submit({
      fence: { ...fenceOf(command), isHeld: () => index !== 1 },
      updates: [{ filter: { _id: command._id }, update: run }],
    }),
  );
  expect(await Promise.allSettled(done)).toEqual([
    { status: "fulfilled", value: true },
    { status: "rejected", reason: expect.any(FencedError) },
    { status: "fulfilled", value: true },
  ]);
  expect(await states()).toEqual(["running", "queued", "running"]);
});

test("an update that matches nothing makes its write uncertain, and one that the server refuses rejects alone", async () => {
  const { commands, claims, states } = await writesOf(3);
  const updates = [
    [{ filter: { _id: "nothing" }, update: run }],
    [{ filter: { _id: commands[1]?._id ?? "" }, update: [{ $set: { state: { $divide: [1, 0] } } }] }],
    [{ filter: { _id: commands[2]?._id ?? "" }, update: run }],
  ];
  const done = updates.map((each) => claims.submit({ fence: { channelId: "x", epoch: 1 }, updates: each }));
  expect(await Promise.allSettled(done)).toMatchObject([
    { value: false },
    { status: "rejected" },
    { value: false },
  ]);
  expect(await states()).toEqual(["queued", "queued", "running"]);
});
