import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cleanCounts } from "../support/clean-counts.ts";
import { eventually } from "../support/eventually.ts";
import { pairedChannel, type TestChannel } from "../support/pairing.ts";
import { type TestReplicaSet, testReplicaSet } from "../support/replica-set.ts";
import { type OneProcess, startSystem } from "../support/system.ts";

const phoneNumber = "15550100881";
const contactNumber = "15550100882";
const patient = { withinMs: 60_000, everyMs: 100 };
let mongo: TestReplicaSet;
let system: OneProcess;
let channel: TestChannel;

beforeAll(async () => {
  mongo = await testReplicaSet({ electionTimeoutMs: 2_000 });
  system = await startSystem({ database: mongo });
  channel = await pairedChannel(system, phoneNumber);
}, 360_000);

afterAll(async () => {
  await system?.[Symbol.asyncDispose]();
  await mongo?.[Symbol.asyncDispose]();
});

/** Repeats the request under one idempotency key until it is accepted, as a caller does. */
async function send(message: string): Promise<void> {
  const request = { to: contactNumber, message };
  const headers = { "Idempotency-Key": randomUUID(), Prefer: "respond-async" };
  await eventually(async () => {
    const { status, body } = await system.api().post(`/channels/${channel.channelId}/send`, request, headers);
    if (!body.ok) throw new Error(`${status}: ${JSON.stringify(body)}`);
    return true;
  }, patient);
}

const contact = () => system.sandbox.account(contactNumber);
const arrived = (prefix: string) =>
  contact()
    .inbox.map(({ text = "" }) => text)
    .filter((text) => text.startsWith(prefix));
const published = async () => {
  const events = system.collections.events.find({ channelId: channel.channelId, type: "incoming_message" });
  return (await events.sort({ seq: 1 }).toArray()).map(({ data }) => data.message);
};

test("messages in both directions arrive once, in order, when a primary is killed and another steps down", {
  timeout: 480_000,
}, async () => {
  const messages = Array.from({ length: 12 }, (_, index) => `one of twelve, ${index}`);
  const sending = (async () => {
    for (const message of messages) {
      await send(message);
      await contact().sendText(phoneNumber, `answer to ${message}`);
    }
  })();
  await eventually(() => arrived("one of twelve").length > 2, patient);
  const killed = await mongo.killPrimary();
  await eventually(() => arrived("one of twelve").length > 7, patient);
  await mongo.restart(killed);
  await mongo.whole();
  await mongo.stepDown();
  await sending;

  await eventually(() => arrived("one of twelve").length >= messages.length, patient);
  expect(arrived("one of twelve")).toEqual(messages);
  const answers = messages.map((message) => `answer to ${message}`);
  await eventually(async () => (await published()).length >= answers.length, patient);
  expect(await published()).toEqual(answers);
  expect(system.sandbox.counts.snapshot()).toMatchObject({ ...cleanCounts, pairings: 1 });
});

test("a MongoDB without a majority makes sends fail with 503 and the channel hang up, until the majority is back", {
  timeout: 480_000,
}, async () => {
  await mongo.whole();
  await channel.becomes("active");
  const killed = await mongo.killMajority();
  const refusals: unknown[] = [];
  const refused = await eventually(async () => {
    const request = { to: contactNumber, message: "without a majority" };
    const answer = await system.api().post(`/channels/${channel.channelId}/send`, request);
    if (answer.status === 503) refusals.push(answer.body);
    return answer.body.error?.retryable ? answer : null;
  }, patient);
  expect(refused.status).toBe(503);
  // An insertion that was on its way when the majority went may have taken place: its caller gets the ids, and must not repeat it.
  const inDoubt = {
    retryable: false,
    details: { messageId: expect.any(String), commandId: expect.any(String) },
  };
  for (const body of refusals) {
    const isInDoubt = body !== refused.body;
    expect(body).toMatchObject({
      ok: false,
      error: { code: "database_unavailable", ...(isInDoubt ? inDoubt : { retryable: true }) },
    });
  }
  expect((await fetch(`${system.url}/health/ready`)).status).toBe(503);
  await eventually(() => channel.phone.devices().every(({ isConnected }) => !isConnected), patient);
  await contact().sendText(phoneNumber, "is anybody there?");

  await Promise.all(killed.map((port) => mongo.restart(port)));
  await mongo.whole();
  await eventually(() => channel.phone.devices().some(({ isConnected }) => isConnected), patient);
  await send("with a majority again");
  await contact().waitForMessage(({ text }) => text === "with a majority again", { timeoutMs: 60_000 });
  await eventually(async () => (await published()).includes("is anybody there?"), patient);
  expect(system.sandbox.counts.snapshot()).toMatchObject({ ...cleanCounts, pairings: 1 });
});
