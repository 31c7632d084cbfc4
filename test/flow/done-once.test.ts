import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { pairedChannel, type TestChannel } from "../support/pairing.ts";
import { subscribeTo } from "../support/subscription.ts";
import { type OneProcess, startSystem } from "../support/system.ts";

const contact = "15550100052";
let system: OneProcess;
let channel: TestChannel;
let subscription: Awaited<ReturnType<typeof subscribeTo>>;

beforeAll(async () => {
  system = await startSystem({ timings: { sweepMs: 500 } });
  channel = await pairedChannel(system, "15550100051");
  subscription = await subscribeTo(system, channel.channelId);
});

afterAll(() => system[Symbol.asyncDispose]());

const send = (message: string, headers: Record<string, string> = {}) =>
  system.api().post(`/channels/${channel.channelId}/send`, { to: contact, message }, headers);
const received = (message: string) =>
  system.sandbox.account(contact).inbox.filter(({ text }) => text === message);
const command = (commandId: string) => system.collections.commands.findOne({ _id: commandId });
const disconnect = () => system.api().post(`/channels/${channel.channelId}/disconnect`);
async function connect() {
  await system.api().post(`/channels/${channel.channelId}/connect`);
  await channel.becomes("active");
}

test("20 concurrent sends under one idempotency key send one message and get the same answer", async () => {
  const headers = { "Idempotency-Key": "order-4711", Prefer: "wait=30" };
  const answers = await Promise.all(Array.from({ length: 20 }, () => send("One of twenty", headers)));
  expect(answers.map(({ status, body }) => [status, body])).toEqual(
    answers.map(() => [200, answers[0]?.body]),
  );
  const replayed = answers.filter((answer) => answer.headers.get("idempotency-replayed") === "true");
  expect(replayed).toHaveLength(19);
  const id = answers[0]?.body.payload.messageId;
  await system.sandbox.account(contact).waitForMessage(({ text }) => text === "One of twenty");
  expect((await send("One of twenty", headers)).body).toEqual(answers[0]?.body);
  // Once a later message has arrived, no second copy can still be on its way.
  await send("Behind the twenty", { Prefer: "wait=30" });
  await system.sandbox.account(contact).waitForMessage(({ text }) => text === "Behind the twenty");
  expect(received("One of twenty")).toMatchObject([{ id, copies: 1 }]);
});

test("an expired send can be retried under its message id, and a cancelled send never arrives", async () => {
  await disconnect();
  const late = (await send("Late")).body.payload;
  const unwanted = (await send("Unwanted")).body.payload;
  const cancelled = await system.api().call("DELETE", `/commands/${unwanted.commandId}`);
  expect([cancelled.status, cancelled.body.payload.state]).toEqual([200, "cancelled"]);
  const past = { expiresAt: new Date(Date.now() - 1_000) };
  await system.collections.commands.updateOne({ _id: late.commandId }, { $set: past });
  await eventually(async () => (await command(late.commandId))?.state === "expired");
  await connect();
  const retried = await system.api().post(`/commands/${late.commandId}/retry`, {}, { Prefer: "wait=30" });
  expect([retried.status, retried.body.payload.messageId]).toEqual([200, late.messageId]);
  await system.sandbox.account(contact).waitForMessage(({ text }) => text === "Late");
  expect(received("Late")).toMatchObject([{ id: late.messageId, copies: 1 }]);
  expect(received("Unwanted")).toEqual([]);
  const statuses = await eventually(() => {
    const updates = subscription
      .named("message_status_update")
      .filter((event) => event.messageId === late.messageId);
    return updates.some(({ status }) => status === "delivered") && updates.map(({ status }) => status);
  });
  expect(statuses).toEqual(["failed", "sent", "delivered"]);
  expect((await command(unwanted.commandId))?.state).toBe("cancelled");
});
