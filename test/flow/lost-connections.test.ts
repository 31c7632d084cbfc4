import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { type PairedChannel, pairedChannel } from "../support/pairing.ts";
import { type TestWaypost, testWaypost } from "../support/waypost.ts";

const phoneNumber = "15550100011";
let waypost: TestWaypost;
let channel: PairedChannel;

beforeAll(async () => {
  waypost = await testWaypost({
    timings: {
      backoff: { baseMs: 50, maxMs: 200 },
      replacedPauseMs: 300,
      silenceMs: 1_500,
      keepAliveMs: 500,
      connectWatchdogMs: 3_000,
    },
  });
  channel = await pairedChannel(waypost, phoneNumber);
});

afterEach(async () => {
  waypost.sandbox.faults.clear();
  if ((await channel.document()).status === "error")
    await waypost.api().post(`/channels/${channel.channelId}/connect`);
  await channel.becomes("active");
  expect(await credentials()).toBe(1);
});

afterAll(() => waypost[Symbol.asyncDispose]());

const credentials = () => waypost.database.db.collection("whatsapp_auth_creds").countDocuments();
const connects = () => waypost.api().post(`/channels/${channel.channelId}/connect`);

/** What the log told of the channel's connection since `seq`. */
async function toldSince(seq: number) {
  const events = waypost.collections.events.find({
    channelId: channel.channelId,
    type: "connection_update",
    seq: { $gt: seq },
  });
  return (await events.sort({ seq: 1 }).toArray()).map(({ data }) =>
    [data.status, data.reason].filter(Boolean).join(" "),
  );
}

async function lastSeq() {
  const [newest] = await waypost.collections.events
    .find({ channelId: channel.channelId, seq: { $exists: true } })
    .sort({ seq: -1 })
    .limit(1)
    .toArray();
  return newest?.seq ?? 0;
}

const mended: Array<[string, () => void, string]> = [
  ["the connection is cut", () => waypost.sandbox.faults.drop(phoneNumber), "connecting connection_lost"],
  [
    "WhatsApp says 503",
    () => waypost.sandbox.faults.streamError(phoneNumber, 503),
    "connecting server_unavailable",
  ],
  [
    "WhatsApp says 500, which Baileys calls a bad session",
    () => waypost.sandbox.faults.streamError(phoneNumber, 500),
    "connecting server_unavailable",
  ],
  [
    "WhatsApp goes silent",
    () => waypost.sandbox.faults.silence(phoneNumber, true),
    "connecting connection_lost",
  ],
];

test.each(mended)("comes back by itself when %s", async (_, act, told) => {
  const seq = await lastSeq();
  act();
  await eventually(async () => (await toldSince(seq)).includes(told), { withinMs: 15_000 });
  waypost.sandbox.faults.clear();
  await channel.becomes("active");
});

test("reconnects at once when WhatsApp asks for a restart, and says no reason", async () => {
  const seq = await lastSeq();
  waypost.sandbox.faults.streamError(phoneNumber, 515);
  await eventually(async () => (await toldSince(seq)).length === 2);
  expect(await toldSince(seq)).toEqual(["connecting", "active"]);
});

test("tries once more after a pause when another client took over, then waits for a person", async () => {
  waypost.sandbox.faults.replace(phoneNumber);
  const waiting = await channel.becomes("connecting", "replaced");
  expect(waiting.retryAt).toBeInstanceOf(Date);
  await channel.becomes("active");
  waypost.sandbox.faults.replace(phoneNumber);
  await channel.becomes("error", "replaced");
  expect((await channel.document()).wanted).toBe("disconnected");
});

const ended: Array<[number, string, string]> = [
  [405, "client_outdated", "the version is refused"],
  [403, "banned", "the account is locked"],
  [406, "banned", "the account is banned"],
  [409, "client_outdated", "the client is refused"],
];

test.each(ended)("%i: error %s when %s, and the credentials stay", async (code, reason) => {
  waypost.sandbox.faults.failLogin(phoneNumber, code);
  waypost.sandbox.faults.drop(phoneNumber);
  await channel.becomes("error", reason as "banned");
  expect(await credentials()).toBe(1);
});

test("402: a temporary ban tells when it ends", async () => {
  waypost.sandbox.faults.failLogin(phoneNumber, 402, { attributes: { expire: "3600" } });
  waypost.sandbox.faults.drop(phoneNumber);
  const { retryAt } = await channel.becomes("error", "temporarily_banned");
  expect(retryAt?.getTime()).toBeGreaterThan(Date.now() + 3_000_000);
});

test("a refused upgrade is a reason to try again, not a connection that hangs", async () => {
  waypost.sandbox.faults.refuseUpgrade({ status: 503, times: 2 });
  waypost.sandbox.faults.drop(phoneNumber);
  await channel.becomes("connecting", "server_unavailable");
});

test("429: as long as WhatsApp asks is what it waits", async () => {
  waypost.sandbox.faults.refuseUpgrade({ status: 429, retryAfterSeconds: 2, times: 1 });
  waypost.sandbox.faults.drop(phoneNumber);
  const { retryAt } = await channel.becomes("connecting", "rate_limited");
  expect(retryAt?.getTime()).toBeGreaterThan(Date.now());
  expect(retryAt?.getTime()).toBeLessThan(Date.now() + 2_500);
});

test("a second connect changes nothing and answers with the present status", async () => {
  const answer = await connects();
  expect(answer).toMatchObject({ status: 202, body: { ok: true, status: "active" } });
});

test("a server that answers nothing is given up and tried again", async () => {
  waypost.sandbox.faults.silence("all", true);
  waypost.sandbox.faults.drop(phoneNumber);
  await channel.becomes("connecting", "connection_lost");
});

test("no stanza was unknown, undecryptable or doubled, and no device had two sockets", () => {
  expect(waypost.sandbox.counts.snapshot()).toMatchObject({
    decryptFailures: 0,
    reusedRatchetCounters: 0,
    simultaneousSockets: 0,
  });
});
