import { expect, test } from "vitest";
import { newMachine } from "#connector/machine/machine.ts";
import { FencedError } from "#connector/ownership/fence.ts";
import { createChannelStore } from "#connector/session/channel-store.ts";
import { collections } from "#shared/database.ts";
import { countedCommands } from "#test/support/counted-commands.ts";
import { channelDocument } from "#test/support/documents.ts";
import { fileDatabase } from "../connector.fixture.ts";

const file = fileDatabase();
const active = { machine: newMachine("active"), lastDisconnect: null, isCodeNew: false };

async function ownedChannels(count: number): Promise<string[]> {
  const channels = Array.from({ length: count }, () =>
    channelDocument({ owner: { connector: "me", epoch: 4 }, wanted: "connected" }),
  );
  await file.all.channels.insertMany(channels);
  return channels.map(({ _id }) => _id);
}

const statuses = async (ids: readonly string[]) => {
  const found = await file.all.channels.find({ _id: { $in: [...ids] } }).toArray();
  return ids.map((id) => found.find(({ _id }) => _id === id)?.status);
};

test("steps of several channels are one command", async () => {
  const ids = await ownedChannels(20);
  await using counted = await countedCommands(file.database);
  const all = collections(counted.db);
  const stores = ids.map((channelId) => createChannelStore(all, { channelId, epoch: 4 }));
  await Promise.all(stores.map((store) => store.saveStep(active)));
  expect(counted.names).toEqual(["update"]);
  expect(await statuses(ids)).toEqual(ids.map(() => "active"));
});

test("of steps in one command, those of deposed owners and of owners past their deadline are refused alone", async () => {
  const ids = await ownedChannels(4);
  const [deposed = "", late = "", ...mine] = ids;
  await file.all.channels.updateOne({ _id: deposed }, { $set: { "owner.epoch": 5 } });
  let isHeld = true;
  const { all } = file;
  const stores = ids.map((channelId) =>
    createChannelStore(all, { channelId, epoch: 4, isHeld: () => channelId !== late || isHeld }),
  );
  const writing = stores.map((store) => store.saveStep(active));
  // Past its deadline when the command is made.
  isHeld = false;
  const outcomes = await Promise.allSettled(writing);
  expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected", "fulfilled", "fulfilled"]);
  for (const one of outcomes.slice(0, 2)) expect(one).toMatchObject({ reason: expect.any(FencedError) });
  expect(await statuses([deposed, late])).not.toContain("active");
  expect(await statuses(mine)).toEqual(["active", "active"]);
});
