import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { Account } from "#infra/sandbox/account.ts";
import { cleanCounts } from "../support/clean-counts.ts";
import { eventually } from "../support/eventually.ts";
import { newChannel, type TestChannel } from "../support/pairing.ts";
import { type ConnectorProcess, startSystem } from "../support/system.ts";

const phoneNumber = "15550100081";
const patient = { withinMs: 60_000 };

/** The tests run in order, on one channel: each ends the connector that the one before it left running. */
let system: Awaited<ReturnType<typeof startConnectors>>;
let channel: TestChannel;
let connector: ConnectorProcess;
let lastContact = 15550100620;

const startConnectors = () => startSystem({ processes: "connectors" });

beforeAll(async () => {
  system = await startConnectors();
  channel = await newChannel(system, phoneNumber);
});

afterAll(() => system?.[Symbol.asyncDispose]());

afterEach(() => {
  system.sandbox.faults.clear();
  expect(system.sandbox.counts.snapshot()).toMatchObject({ ...cleanCounts, pairings: 1 });
});

/** Starts the next connector under the name of the last one. */
async function startNext(): Promise<void> {
  connector = await system.start("killed");
}

/** A person that the channel has not written to. */
const newContact = () => system.sandbox.account(String(++lastContact));

async function send({ phoneNumber: to }: Account, message: string) {
  const path = `/channels/${channel.channelId}/send`;
  const answer = await system.api().post(path, { to, message }, { Prefer: "respond-async" });
  expect(answer.status).toBe(202);
  return answer.body.payload;
}

const command = (_id: string, state: string) =>
  eventually(() => system.collections.commands.findOne({ _id, state: state as "queued" }), patient);

test("a connect waits for the first connector, and a send for the successor of a killed one", {
  timeout: 180_000,
}, async () => {
  const contact = newContact();
  expect((await system.api().post(`/channels/${channel.channelId}/connect`)).status).toBe(202);
  await startNext();
  await channel.phone.scan(await eventually(async () => (await channel.document()).pairing?.text, patient));
  await channel.becomes("active");
  await command((await send(contact, "one")).commandId, "succeeded");
  await connector.kill();

  const queued = await send(contact, "two");
  await startNext();
  const settled = await command(queued.commandId, "succeeded");
  expect(settled.claim?.epoch).toBe(2);
  await contact.waitForMessage(({ text }) => text === "two");
  expect(contact.inbox.map(({ text, copies }) => [text, copies])).toEqual([
    ["one", 1],
    ["two", 1],
  ]);
});

test("a send in flight when its connector is killed is relayed again under its id, and the contact sees one message", {
  timeout: 180_000,
}, async () => {
  const contact = newContact();
  system.sandbox.faults.withholdAcks(phoneNumber, true);
  system.sandbox.faults.receipts(phoneNumber, "never");
  const { commandId, messageId } = await send(contact, "in flight");
  await contact.waitForMessage(({ id }) => id === messageId);
  await connector.kill();
  await command(commandId, "running");
  const afterwards = await send(contact, "afterwards");

  system.sandbox.faults.withholdAcks(phoneNumber, false);
  await startNext();
  await command(commandId, "succeeded");
  await command(afterwards.commandId, "succeeded");
  await contact.waitForMessage(({ id }) => id === afterwards.messageId);
  expect(contact.inbox.map(({ id, copies }) => [id, copies])).toEqual([
    [messageId, 2],
    [afterwards.messageId, 1],
  ]);
});

test("a send that two connectors relay without an acknowledgement stays unknown until a receipt settles it", {
  timeout: 180_000,
}, async () => {
  const contact = newContact();
  system.sandbox.faults.withholdAcks(phoneNumber, true);
  system.sandbox.faults.receipts(phoneNumber, "never");
  const { commandId, messageId } = await send(contact, "in flight");
  const copies = () => contact.inbox.find(({ id }) => id === messageId)?.copies;
  await contact.waitForMessage(({ id }) => id === messageId);
  await connector.kill();
  await startNext();
  await eventually(() => copies() === 2);
  await connector.kill();

  system.sandbox.faults.withholdAcks(phoneNumber, false);
  await startNext();
  // A third copy would have been relayed before this later send.
  await command((await send(contact, "afterwards")).commandId, "succeeded");
  await command(commandId, "unknown");
  expect(copies()).toBe(2);
  contact.markRead(messageId);
  await command(commandId, "succeeded");
});

test("a second SIGINT, as npm forwards it, does not cut a shutdown short: the connector hangs up and releases its channel", {
  timeout: 180_000,
}, async () => {
  connector.signal("SIGINT");
  await connector.prints(/connector stops/);
  connector.signal("SIGINT");
  expect(await connector.ended).toBe(0);
  expect(connector.err).toBe("");
  expect((await channel.document()).owner.connector).toBeNull();
  expect(channel.phone.devices().map(({ isConnected }) => isConnected)).toEqual([false]);
});
