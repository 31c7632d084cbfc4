import { randomUUID } from "node:crypto";
import { Timestamp } from "mongodb";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startWaypost } from "#infra/all-in-one.ts";
import type { CommandDocument } from "#shared/collections.ts";
import { createLog } from "#shared/log.ts";
import { eventually } from "../support/eventually.ts";
import { newChannel, pairedChannel } from "../support/pairing.ts";
import { type OneProcess, startSystem } from "../support/system.ts";

let system: OneProcess;

beforeAll(async () => {
  system = await startSystem({ timings: { sweepMs: 300, backoff: { baseMs: 50, maxMs: 200 } } });
});

afterAll(() => system[Symbol.asyncDispose]());

test("a channel that is marked as deleted goes, also when nobody inserted the command for it", async () => {
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

test("a fresh send is not kept waiting by any number of those that are too old", async () => {
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

test("what a deposed owner still claimed is carried out all the same", async () => {
  const channel = await pairedChannel(system, "15550100123");
  const { commandId } = await claimedByFormerOwner(channel.channelId);
  await channel.becomes("inactive", "disconnected");
  await eventually(
    async () => (await system.collections.commands.findOne({ _id: commandId }))?.state === "succeeded",
  );
});

/** As an owner does that does not know yet that it was succeeded. */
async function claimedByFormerOwner(channelId: string) {
  const commandId = randomUUID();
  const long = new Date(Date.now() + 60_000);
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
    expiresAt: long,
    createdAt: new Date(),
  });
  return { commandId };
}

test("a logout is not said to be done while WhatsApp cannot be told; it is done when it can", async () => {
  const channel = await pairedChannel(system, "15550100124");
  await system.api().post(`/channels/${channel.channelId}/disconnect`);
  system.sandbox.faults.refuseUpgrade({ status: 503 });
  const asked = await system.api().post(`/channels/${channel.channelId}/logout`, {}, { Prefer: "wait=1" });
  expect(asked.status).toBe(202);
  expect(channel.phone.devices()).toHaveLength(1);
  expect((await channel.document()).status).toBe("connecting");
  system.sandbox.faults.clear();
  await channel.becomes("logged_out", "unlinked_by_api");
  expect(channel.phone.devices()).toEqual([]);
});

test("connecting again while a code shows leaves the code as it is", async () => {
  const channel = await newChannel(system, "15550100125");
  const connect = () =>
    system.api().post(`/channels/${channel.channelId}/connect`, { phoneNumber: "15550100125" });
  await connect();
  const { pairing } = await channel.becomes("pairing_code_ready");
  expect(await connect()).toMatchObject({ status: 202, body: { status: "pairing_code_ready" } });
  expect((await channel.document()).pairing).toEqual(pairing);
  expect(await system.collections.pairingRequests.countDocuments({ phoneNumber: "15550100125" })).toBe(1);
});

test("of two connectors with one name the first gives up, and says why", async () => {
  await using first = await startSystem({ timings: { renewMs: 200 } });
  const config = { ...first.config, port: 0 };
  const gaveUp = expect(first.failed()).rejects.toMatchObject({ name: "NameTakenError" });
  await using second = await startWaypost({ config, log: createLog("silent"), timings: { renewMs: 200 } });
  await gaveUp;
  expect((await fetch(`${second.url}/health/live`)).status).toBe(200);
});
