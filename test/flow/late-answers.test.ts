import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { cleanCounts } from "../support/clean-counts.ts";
import { listenTo } from "../support/listening.ts";
import { type PairedChannel, pairedChannel } from "../support/pairing.ts";
import { type TestWaypost, testWaypost } from "../support/waypost.ts";

const phoneNumber = "15550100141";
const contactNumber = "15550100142";
let waypost: TestWaypost;
let channel: PairedChannel;
let listening: Awaited<ReturnType<typeof listenTo>>;

beforeAll(async () => {
  waypost = await testWaypost();
  channel = await pairedChannel(waypost, phoneNumber);
  listening = await listenTo(waypost, channel.channelId);
});

afterEach(() => waypost.sandbox.faults.clear());

afterAll(async () => {
  await waypost[Symbol.asyncDispose]();
  expect(waypost.sandbox.counts.snapshot()).toMatchObject(cleanCounts);
});

const send = (message: string) =>
  waypost.api().post(`/channels/${channel.channelId}/send`, { to: contactNumber, message });

const statusesOf = (messageId: string) =>
  listening
    .of("message_status_update")
    .filter((update) => update.messageId === messageId)
    .map(({ status }) => status);

const becomes = (messageId: string, status: string) =>
  listening.hears(
    "message_status_update",
    (update) => update.messageId === messageId && update.status === status,
  );

test("200 sent: a late acknowledgement is waited for, and does not hold up the next message", async () => {
  waypost.sandbox.faults.ackDelay(phoneNumber, 2_000);
  waypost.sandbox.faults.receipts(phoneNumber, "never");
  const contact = waypost.sandbox.account(contactNumber);
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

test("200 sent: a receipt that overtakes the acknowledgement is answer enough", async () => {
  waypost.sandbox.faults.withholdAcks(phoneNumber, true);
  const { status, body } = await send("Delivered first");
  expect([status, body.payload.status]).toEqual([200, "sent"]);
  await becomes(body.payload.messageId, "delivered");
  expect(statusesOf(body.payload.messageId)).not.toContain("unknown");
});

test("a receipt that comes late raises the status when it comes", async () => {
  waypost.sandbox.faults.receipts(phoneNumber, 300);
  const { status, body } = await send("Delivered later");
  expect([status, body.payload.status]).toEqual([200, "sent"]);
  await becomes(body.payload.messageId, "delivered");
  expect(statusesOf(body.payload.messageId)).toEqual(["sent", "delivered"]);
});

test("a message without a receipt stays sent, and one after it is delivered all the same", async () => {
  waypost.sandbox.faults.receipts(phoneNumber, "never");
  const { status, body } = await send("Never delivered");
  expect([status, body.payload.status]).toEqual([200, "sent"]);
  waypost.sandbox.faults.receipts(phoneNumber, null);
  const next = await send("Delivered");
  await becomes(next.body.payload.messageId, "delivered");
  expect(statusesOf(body.payload.messageId)).toEqual(["sent"]);
});
