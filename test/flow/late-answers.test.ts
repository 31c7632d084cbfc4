import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { cleanCounts } from "../support/clean-counts.ts";
import { pairedChannel, type TestChannel } from "../support/pairing.ts";
import { subscribeTo } from "../support/subscription.ts";
import { type OneProcess, startSystem } from "../support/system.ts";

const phoneNumber = "15550100141";
const contactNumber = "15550100142";
let system: OneProcess;
let channel: TestChannel;
let subscription: Awaited<ReturnType<typeof subscribeTo>>;

beforeAll(async () => {
  system = await startSystem();
  channel = await pairedChannel(system, phoneNumber);
  subscription = await subscribeTo(system, channel.channelId);
});

afterEach(() => system.sandbox.faults.clear());

afterAll(async () => {
  await system[Symbol.asyncDispose]();
  expect(system.sandbox.counts.snapshot()).toMatchObject(cleanCounts);
});

const send = (message: string) =>
  system.api().post(`/channels/${channel.channelId}/send`, { to: contactNumber, message });

const statusesOf = (messageId: string) =>
  subscription
    .named("message_status_update")
    .filter((update) => update.messageId === messageId)
    .map(({ status }) => status);

const becomes = (messageId: string, status: string) =>
  subscription.receives(
    "message_status_update",
    (update) => update.messageId === messageId && update.status === status,
  );

test("a send waits for a late acknowledgement, answers 200 sent, and does not hold up the next send", async () => {
  system.sandbox.faults.ackDelay(phoneNumber, 5_000);
  system.sandbox.faults.receipts(phoneNumber, "never");
  const contact = system.sandbox.account(contactNumber);
  let isAnswered = false;
  const first = send("First").finally(() => {
    isAnswered = true;
  });
  await contact.waitForMessage(({ text }) => text === "First");
  const second = send("Second");
  await contact.waitForMessage(({ text }) => text === "Second");
  expect(isAnswered).toBe(false);
  for (const { status, body } of await Promise.all([first, second])) {
    expect([status, body.payload.status]).toEqual([200, "sent"]);
  }
});

test("a send whose receipt arrives without an acknowledgement answers 200 sent", async () => {
  system.sandbox.faults.withholdAcks(phoneNumber, true);
  const { status, body } = await send("Delivered first");
  expect([status, body.payload.status]).toEqual([200, "sent"]);
  await becomes(body.payload.messageId, "delivered");
  expect(statusesOf(body.payload.messageId)).not.toContain("unknown");
});

test("a late receipt raises the status from sent to delivered", async () => {
  system.sandbox.faults.receipts(phoneNumber, 300);
  const { status, body } = await send("Delivered later");
  expect([status, body.payload.status]).toEqual([200, "sent"]);
  await becomes(body.payload.messageId, "delivered");
  expect(statusesOf(body.payload.messageId)).toEqual(["sent", "delivered"]);
});

test("a message without a receipt stays sent, and the next one still becomes delivered", async () => {
  system.sandbox.faults.receipts(phoneNumber, "never");
  const { status, body } = await send("Never delivered");
  expect([status, body.payload.status]).toEqual([200, "sent"]);
  system.sandbox.faults.receipts(phoneNumber, null);
  const next = await send("Delivered");
  await becomes(next.body.payload.messageId, "delivered");
  expect(statusesOf(body.payload.messageId)).toEqual(["sent"]);
});
