import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { StatusReason } from "#shared/channel.ts";
import { cleanCounts } from "../support/clean-counts.ts";
import { eventually } from "../support/eventually.ts";
import { pairedChannel, type TestChannel } from "../support/pairing.ts";
import { type OneProcess, startSystem } from "../support/system.ts";

let system: OneProcess;
/** A phone and its channel for each test, so that none begins with what another has left. */
let phoneNumber = "15550110000";
let channel: TestChannel;
/** The event that told of its linking. */
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

/** Whatever it was: once it is mended, the channel is active again without another pairing, if need be by hand. */
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

/** What the log tells of the channel's connection since it was linked. */
const updates = () =>
  system.collections.events
    .find({ channelId: channel.channelId, type: "connection_update", seq: { $gt: firstActive } })
    .sort({ seq: 1 })
    .toArray();

const told = async () =>
  (await updates()).map(({ data }) => [data.status, data.reason].filter(Boolean).join(" "));

/** The first update with this reason; the document may have gone on by the time one looks. */
const tells = (reason: StatusReason) =>
  eventually(async () => (await updates()).find(({ data }) => data.reason === reason)?.data, {
    withinMs: 20_000,
  });

test("reconnects at once when WhatsApp asks for a restart, and says no reason", async () => {
  system.sandbox.faults.streamError(phoneNumber, 515);
  await eventually(async () => (await told()).length === 2);
  expect(await told()).toEqual(["connecting", "active"]);
});

test("tries once more after a pause when another client took over, then waits for a person", async () => {
  system.sandbox.faults.replace(phoneNumber);
  expect(await tells("replaced")).toMatchObject({ status: "connecting", retryAt: expect.any(String) });
  await channel.becomes("active");
  system.sandbox.faults.replace(phoneNumber);
  await channel.becomes("error", "replaced");
  expect((await channel.document()).wanted).toBe("disconnected");
});

test("a second connect changes nothing and answers with the present status", async () => {
  expect(await post("connect")).toMatchObject({ status: 202, body: { ok: true, status: "active" } });
  expect(await told()).toEqual([]);
});

test("a server that answers nothing is given up and tried again", async () => {
  system.sandbox.faults.silence("all", true);
  system.sandbox.faults.drop(phoneNumber);
  const ends = async () => new Set((await updates()).map(({ data }) => JSON.stringify(data.lastDisconnect)));
  await eventually(async () => (await ends()).size > 1, { withinMs: 20_000 });
  expect(new Set(await told())).toEqual(new Set(["connecting connection_lost"]));
});
