import { expect, test } from "vitest";
import { cleanCounts } from "../support/clean-counts.ts";
import { eventually } from "../support/eventually.ts";
import { newChannel } from "../support/pairing.ts";
import { startSystem } from "../support/system.ts";

const phoneNumber = "15550100081";
const contactNumber = "15550100082";
const patient = { withinMs: 60_000 };

/** Creates a channel. The connectors that a test starts have one name, and run one after the other. */
async function oneChannel() {
  await using owned = new AsyncDisposableStack();
  const system = owned.use(await startSystem({ processes: "connectors" }));
  const { channelId, phone, document, becomes } = await newChannel(system, phoneNumber);
  const path = `/channels/${channelId}`;
  const kept = owned.move();
  return {
    ...{ document, phone, contact: system.sandbox.account(contactNumber), sandbox: system.sandbox },
    connector: () => system.start("killed"),
    connect: () => system.api().post(`${path}/connect`),
    async scans() {
      await phone.scan(await eventually(async () => (await document()).pairing?.text, patient));
      await becomes("active");
    },
    send: (message: string) =>
      system.api().post(`${path}/send`, { to: contactNumber, message }, { Prefer: "respond-async" }),
    command: (_id: string, state: string) =>
      eventually(() => system.collections.commands.findOne({ _id, state: state as "queued" }), patient),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

test("a connect waits for the first connector, and a send for the successor of a killed one", {
  timeout: 180_000,
}, async () => {
  await using system = await oneChannel();
  const { contact, sandbox } = system;
  expect((await system.connect()).status).toBe(202);
  const first = await system.connector();
  await system.scans();
  await system.command((await system.send("one")).body.payload.commandId, "succeeded");
  await first.kill();

  const queued = await system.send("two");
  expect(queued.status).toBe(202);
  await system.connector();
  const settled = await system.command(queued.body.payload.commandId, "succeeded");
  expect(settled.claim?.epoch).toBe(2);
  await contact.waitForMessage(({ text }) => text === "two");
  expect(contact.inbox.map(({ text, copies }) => [text, copies])).toEqual([
    ["one", 1],
    ["two", 1],
  ]);
  expect(sandbox.counts.snapshot()).toMatchObject({ ...cleanCounts, pairings: 1 });
});

test("a send in flight when its connector is killed is relayed again under its id, and the contact sees one message", {
  timeout: 180_000,
}, async () => {
  await using system = await oneChannel();
  const { contact, sandbox } = system;
  await system.connect();
  const first = await system.connector();
  await system.scans();
  sandbox.faults.withholdAcks(phoneNumber, true);
  sandbox.faults.receipts(phoneNumber, "never");
  const { commandId, messageId } = (await system.send("in flight")).body.payload;
  await contact.waitForMessage(({ id }) => id === messageId);
  await first.kill();
  await system.command(commandId, "running");
  const afterwards = (await system.send("afterwards")).body.payload;

  sandbox.faults.withholdAcks(phoneNumber, false);
  await system.connector();
  await system.command(commandId, "succeeded");
  await system.command(afterwards.commandId, "succeeded");
  await contact.waitForMessage(({ id }) => id === afterwards.messageId);
  expect(contact.inbox.map(({ id, copies }) => [id, copies])).toEqual([
    [messageId, 2],
    [afterwards.messageId, 1],
  ]);
  expect(sandbox.counts.snapshot()).toMatchObject({ ...cleanCounts, pairings: 1 });
});

test("a send that two connectors relay without an acknowledgement stays unknown until a receipt settles it", {
  timeout: 180_000,
}, async () => {
  await using system = await oneChannel();
  const { contact, sandbox } = system;
  await system.connect();
  const first = await system.connector();
  await system.scans();
  sandbox.faults.withholdAcks(phoneNumber, true);
  sandbox.faults.receipts(phoneNumber, "never");
  const { commandId, messageId } = (await system.send("in flight")).body.payload;
  const copies = () => contact.inbox.find(({ id }) => id === messageId)?.copies;
  await contact.waitForMessage(({ id }) => id === messageId);
  await first.kill();
  const second = await system.connector();
  await eventually(() => copies() === 2);
  await second.kill();

  sandbox.faults.withholdAcks(phoneNumber, false);
  await system.connector();
  // A third copy would have been relayed before this later send.
  await system.command((await system.send("afterwards")).body.payload.commandId, "succeeded");
  await system.command(commandId, "unknown");
  expect(copies()).toBe(2);
  contact.markRead(messageId);
  await system.command(commandId, "succeeded");
  expect(sandbox.counts.snapshot()).toMatchObject({ ...cleanCounts, pairings: 1 });
});

test("a second SIGINT, as npm forwards it, does not cut a shutdown short: the connector hangs up and releases its channel", {
  timeout: 180_000,
}, async () => {
  await using system = await oneChannel();
  await system.connect();
  const connector = await system.connector();
  await system.scans();
  connector.signal("SIGINT");
  await connector.prints(/connector stops/);
  connector.signal("SIGINT");
  expect(await connector.ended).toBe(0);
  expect(connector.err).toBe("");
  expect((await system.document()).owner.connector).toBeNull();
  expect(system.phone.devices().map(({ isConnected }) => isConnected)).toEqual([false]);
});
