import { afterAll, beforeAll, expect, test } from "vitest";
import { cleanCounts } from "../support/clean-counts.ts";
import { eventually } from "../support/eventually.ts";
import { newChannel, pairedChannel, type TestChannel } from "../support/pairing.ts";
import { type OneProcess, startSystem } from "../support/system.ts";

let system: OneProcess;

beforeAll(async () => {
  // Every answer of a login is given up long before Baileys' own 30 s.
  system = await startSystem({ timings: { loginAnswerMs: 1_500, backoff: { baseMs: 100, maxMs: 200 } } });
});

afterAll(() => system[Symbol.asyncDispose]());

const post = ({ channelId }: TestChannel, action: string, body: object = {}) =>
  system.api().post(`/channels/${channelId}/${action}`, body);

/** The one-time pre-keys that WhatsApp has of the channel's device. */
const preKeysLeft = ({ phone }: TestChannel) =>
  system.sandbox.ledger.devices().find(({ phoneNumber }) => phoneNumber === phone.phoneNumber)?.preKeysLeft;

const ignore = (...namespaces: string[]) => {
  for (const xmlns of namespaces) system.sandbox.faults.ignoreQuery(xmlns, { times: 100 });
};

test("a channel whose pre-keys nobody asks or answers for logs in, sends and receives, and offers them once it can", {
  timeout: 120_000,
}, async () => {
  const channel = await newChannel(system, "15550100391");
  await post(channel, "connect");
  const { pairing } = await channel.becomes("qr_ready");
  ignore("encrypt");
  await channel.phone.scan(pairing?.text ?? "");
  await channel.becomes("active");
  await post(channel, "disconnect");
  await channel.becomes("inactive", "disconnected");
  await post(channel, "connect");
  await channel.becomes("active");
  expect(preKeysLeft(channel)).toBe(0);
  await system.sandbox.account("15550100392").sendText(channel.phone.phoneNumber, "Without pre-keys");
  await eventually(() =>
    system.collections.events.findOne({ channelId: channel.channelId, type: "incoming_message" }),
  );
  system.sandbox.faults.clear();
  await eventually(() => (preKeysLeft(channel) ?? 0) > 0);
  expect((await post(channel, "send", { to: "15550100392", message: "Thanks" })).status).toBe(200);
  expect(system.sandbox.counts.snapshot()).toMatchObject(cleanCounts);
});

test("pre-keys whose offer WhatsApp leaves unanswered are offered again, and no new ones are made", {
  timeout: 120_000,
}, async () => {
  const channel = await pairedChannel(system, "15550100393");
  await eventually(() => (preKeysLeft(channel) ?? 0) > 0);
  const reconnect = async () => {
    await post(channel, "disconnect");
    await post(channel, "connect");
    await channel.becomes("active");
  };
  const made = () =>
    system.database.db
      .collection("whatsapp_auth_keys")
      .countDocuments({ channelId: channel.channelId, keyId: /^pre-key:/, keyData: { $exists: true } });
  const before = await made();
  system.sandbox.faults.ignoreQuery("encrypt", { times: 100, request: "registration" });
  await reconnect();
  const count = await eventually(async () => {
    const now = await made();
    return now > before && now;
  });
  await reconnect();
  system.sandbox.faults.clear();
  await reconnect();
  await eventually(() => preKeysLeft(channel) === count);
  expect(await made()).toBe(count);
});

test("properties, block list, privacy and settings are not waited for: a new link is active, receives and sends", {
  timeout: 120_000,
}, async () => {
  const channel = await newChannel(system, "15550100394");
  await post(channel, "connect");
  const { pairing } = await channel.becomes("qr_ready");
  ignore("abt", "blocklist", "privacy", "w:sync:app:state", "urn:xmpp:whatsapp:dirty", "w:stats");
  await channel.phone.scan(pairing?.text ?? "");
  await channel.becomes("active");
  await system.sandbox.account("15550100395").sendText(channel.phone.phoneNumber, "Received");
  await eventually(() =>
    system.collections.events.findOne({ channelId: channel.channelId, type: "incoming_message" }),
  );
  const { status } = await post(channel, "send", { to: "15550100395", message: "Answer" });
  expect(status).toBe(200);
  system.sandbox.faults.clear();
});

test("the query that makes WhatsApp deliver messages is repeated until it is answered", {
  timeout: 120_000,
}, async () => {
  const channel = await pairedChannel(system, "15550100396");
  await post(channel, "disconnect");
  system.sandbox.faults.ignoreQuery("passive", { times: 2 });
  await system.sandbox.account("15550100397").sendText(channel.phone.phoneNumber, "Waiting");
  await post(channel, "connect");
  await channel.becomes("active");
  await eventually(() =>
    system.collections.events.findOne({ channelId: channel.channelId, type: "incoming_message" }),
  );
});
