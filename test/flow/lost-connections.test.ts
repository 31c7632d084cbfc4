import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { StatusReason } from "#shared/channel.ts";
import { cleanCounts } from "../support/clean-counts.ts";
import { eventually } from "../support/eventually.ts";
import { pairedChannel, type TestChannel } from "../support/pairing.ts";
import { type OneProcess, startSystem } from "../support/system.ts";

let system: OneProcess;
/** Each test has a phone and a channel of its own, so that none depends on another. */
let phoneNumber = "15550110000";
let channel: TestChannel;
/** The `seq` of the event that published the first `active`. */
let firstActive = 0;

beforeAll(async () => {
  system = await startSystem({
    timings: {
      backoff: { baseMs: 50, maxMs: 200 },
      replacedPauseMs: 300,
      probeQuietMs: 1_000,
      probeMs: 500,
      keepAliveMs: 500,
      connectWatchdogMs: 3_000,
    },
  });
});

beforeEach(async () => {
  phoneNumber = String(Number(phoneNumber) + 1);
  channel = await pairedChannel(system, phoneNumber);
  firstActive = 0;
  firstActive = (await eventually(async () => (await updates()).find(({ data }) => data.status === "active")))
    .seq;
});

/** After every fault the channel becomes active again without another pairing, if necessary by a connect. */
afterEach(async () => {
  system.sandbox.faults.clear();
  if ((await channel.document()).status === "error") await post("connect");
  await channel.becomes("active");
  expect(await credentials()).toBe(1);
  await post("disconnect");
  await channel.becomes("inactive", "disconnected");
});

afterAll(async () => {
  await system[Symbol.asyncDispose]();
  expect(system.sandbox.counts.snapshot()).toMatchObject(cleanCounts);
});

const post = (action: string) => system.api().post(`/channels/${channel.channelId}/${action}`);
const credentials = () =>
  system.database.db.collection("whatsapp_auth_creds").countDocuments({ channelId: channel.channelId });

/** The connection updates published since the channel was linked. */
const updates = () =>
  system.collections.events
    .find({ channelId: channel.channelId, type: "connection_update", seq: { $gt: firstActive } })
    .sort({ seq: 1 })
    .toArray();

const statuses = async () =>
  (await updates()).map(({ data }) => [data.status, data.reason].filter(Boolean).join(" "));

/** Waits for the first update with this reason. The document may have changed again by then. */
const updateWith = (reason: StatusReason) =>
  eventually(async () => (await updates()).find(({ data }) => data.reason === reason)?.data);

test("a channel reconnects at once, and publishes no reason, when WhatsApp asks for a restart", async () => {
  system.sandbox.faults.streamError(phoneNumber, 515);
  await eventually(async () => (await statuses()).length === 2);
  expect(await statuses()).toEqual(["connecting", "active"]);
});

test("a channel replaced by another client retries once after a pause, then waits for a connect request", async () => {
  system.sandbox.faults.replace(phoneNumber);
  expect(await updateWith("replaced")).toMatchObject({ status: "connecting", retryAt: expect.any(String) });
  await channel.becomes("active");
  system.sandbox.faults.replace(phoneNumber);
  await channel.becomes("error", "replaced");
  expect((await channel.document()).wanted).toBe("disconnected");
});

test("a second connect changes nothing and answers with the current status", async () => {
  expect(await post("connect")).toMatchObject({ status: 202, body: { ok: true, status: "active" } });
  expect(await statuses()).toEqual([]);
});

test("a channel gives up on a WhatsApp server that does not answer, and tries again", async () => {
  system.sandbox.faults.silence("all", true);
  system.sandbox.faults.drop(phoneNumber);
  const ends = async () => new Set((await updates()).map(({ data }) => JSON.stringify(data.lastDisconnect)));
  await eventually(async () => (await ends()).size > 1);
  expect(new Set(await statuses())).toEqual(new Set(["connecting connection_lost"]));
});
