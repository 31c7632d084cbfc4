import { randomUUID } from "node:crypto";
import { Timestamp } from "mongodb";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { CommandDocument } from "#shared/collections.ts";
import { eventually } from "../support/eventually.ts";
import { pairedChannel } from "../support/pairing.ts";
import { type OneProcess, startSystem } from "../support/system.ts";

let system: OneProcess;

beforeAll(async () => {
  system = await startSystem({ timings: { sweepMs: 300, backoff: { baseMs: 50, maxMs: 200 } } });
});

afterAll(() => system[Symbol.asyncDispose]());

test("a channel marked as deleted is removed even if no delete command exists", async () => {
  const channel = await pairedChannel(system, "15550100121");
  await system.collections.channels.updateOne(
    { _id: channel.channelId },
    { $set: { deletedAt: new Date() } },
  );
  await eventually(
    async () => (await system.collections.channels.countDocuments({ _id: channel.channelId })) === 0,
  );
  expect(channel.phone.devices()).toEqual([]);
});

test("a fresh send does not wait for 120 expired ones", async () => {
  const channel = await pairedChannel(system, "15550100122");
  const now = Date.now();
  const old = Array.from(
    { length: 120 },
    (): CommandDocument => ({
      _id: randomUUID(),
      channelId: channel.channelId,
      type: "message.send",
      lane: 1,
      ord: new Timestamp({ t: 1, i: 1 }),
      state: "queued",
      payload: { to: "15550100129", content: { type: "text", text: "Too late" } },
      messageId: randomUUID().replaceAll("-", "").slice(0, 20).toUpperCase(),
      attempts: 0,
      notBefore: new Date(now - 60_000),
      expiresAt: new Date(now - 30_000),
      createdAt: new Date(now - 60_000),
    }),
  );
  await system.collections.commands.insertMany(old);
  const { status } = await system
    .api()
    .post(`/channels/${channel.channelId}/send`, { to: "15550100129", message: "Fresh" });
  expect(status).toBe(200);
  const mine = { channelId: channel.channelId };
  await eventually(
    async () => (await system.collections.commands.countDocuments({ ...mine, state: "expired" })) === 120,
  );
  expect(system.sandbox.account("15550100129").inbox.map(({ text }) => text)).toEqual(["Fresh"]);
});

test("a command that a deposed owner claimed is still carried out", async () => {
  const channel = await pairedChannel(system, "15550100123");
  const { commandId } = await claimedByFormerOwner(channel.channelId);
  await channel.becomes("inactive", "disconnected");
  await eventually(
    async () => (await system.collections.commands.findOne({ _id: commandId }))?.state === "succeeded",
  );
});

/** Inserts a command as claimed by an owner that does not know yet that it was deposed. */
async function claimedByFormerOwner(channelId: string) {
  const commandId = randomUUID();
  await system.collections.commands.insertOne({
    _id: commandId,
    channelId,
    type: "channel.disconnect",
    lane: 0,
    ord: new Timestamp({ t: 0, i: 0 }),
    state: "running",
    payload: {},
    attempts: 1,
    claim: { connector: "former", epoch: 0, at: new Date() },
    notBefore: new Date(),
    expiresAt: new Date(Date.now() + 60_000),
    createdAt: new Date(),
  });
  return { commandId };
}
