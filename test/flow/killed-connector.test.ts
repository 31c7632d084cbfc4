import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { serveFunctions } from "#functions/platforms/node/serve.ts";
import { startSandbox } from "#infra/sandbox/sandbox.ts";
import { readConfig } from "#shared/config.ts";
import { collections } from "#shared/database.ts";
import { createLog } from "#shared/log.ts";
import { Api } from "../support/api.ts";
import { startChild } from "../support/child.ts";
import { cleanCounts } from "../support/clean-counts.ts";
import { eventually } from "../support/eventually.ts";
import { testDatabase } from "../support/test-database.ts";
import { apiKey } from "../support/waypost.ts";

const connectorMain = new URL("../../connector/main.ts", import.meta.url);
const phoneNumber = "15550100081";
const contactNumber = "15550100082";

/** Functions here, connectors in processes of their own, one after the other under one name; and a channel. */
async function apart() {
  await using owned = new AsyncDisposableStack();
  const database = owned.use(await testDatabase());
  const sandbox = owned.use(await startSandbox());
  const config = readConfig({ MONGO_URI: database.uri, PORT: "0", API_KEY: apiKey }, "functions");
  const functions = owned.use(await serveFunctions(config, createLog("silent")));
  const api = new Api(functions.url, apiKey);
  const { channels, commands } = collections(database.db);
  const { channelId } = (await api.post("/channels", { name: "Shop" })).body.payload;
  const phone = sandbox.account(phoneNumber);
  const env = {
    MONGO_URI: database.uri,
    PORT: "0",
    CONNECTOR_ID: "killed",
    ENCRYPTION_KEY: randomBytes(32).toString("base64"),
    WHATSAPP_WEBSOCKET_URL: sandbox.websocketUrl,
    WHATSAPP_ROOT_KEY: sandbox.rootKey,
  };
  const channel = async () => (await channels.findOne({ _id: channelId })) ?? undefined;
  const kept = owned.move();
  return {
    ...{ sandbox, api, channelId, channel, phone, contact: sandbox.account(contactNumber) },
    async connector() {
      const child = kept.use(startChild(connectorMain, [], { env }));
      await child.prints(/connector listens/);
      return child;
    },
    async scans() {
      await phone.scan(await eventually(async () => (await channel())?.pairing?.text, { withinMs: 20_000 }));
      await eventually(async () => (await channel())?.status === "active", { withinMs: 20_000 });
    },
    send: (message: string) =>
      api.post(`/channels/${channelId}/send`, { to: contactNumber, message }, { Prefer: "respond-async" }),
    command: (_id: string, state: string) =>
      eventually(() => commands.findOne({ _id, state: state as "queued" }), { withinMs: 20_000 }),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

test("a wish and a send wait for a connector: the first one pairs, and the successor of a killed one sends", {
  timeout: 90_000,
}, async () => {
  await using system = await apart();
  const { api, channelId, contact, sandbox } = system;
  expect((await api.post(`/channels/${channelId}/connect`)).status).toBe(202);
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

test("a send in flight when its connector is killed goes out once more under its id, and shows once", {
  timeout: 90_000,
}, async () => {
  await using system = await apart();
  const { api, channelId, contact, sandbox } = system;
  await api.post(`/channels/${channelId}/connect`);
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

test("a send that gets no answer the second time either stays unknown; a receipt settles it", {
  timeout: 90_000,
}, async () => {
  await using system = await apart();
  const { api, channelId, contact, sandbox } = system;
  await api.post(`/channels/${channelId}/connect`);
  const first = await system.connector();
  await system.scans();
  sandbox.faults.withholdAcks(phoneNumber, true);
  sandbox.faults.receipts(phoneNumber, "never");
  const { commandId, messageId } = (await system.send("in flight")).body.payload;
  const copies = () => contact.inbox.find(({ id }) => id === messageId)?.copies;
  await contact.waitForMessage(({ id }) => id === messageId);
  await first.kill();
  const second = await system.connector();
  await eventually(() => copies() === 2, { withinMs: 20_000 });
  await second.kill();

  sandbox.faults.withholdAcks(phoneNumber, false);
  await system.connector();
  // What comes after it goes out, so that a third copy of it would have gone out before.
  await system.command((await system.send("afterwards")).body.payload.commandId, "succeeded");
  await system.command(commandId, "unknown");
  expect(copies()).toBe(2);
  contact.markRead(messageId);
  await system.command(commandId, "succeeded");
  expect(sandbox.counts.snapshot()).toMatchObject({ ...cleanCounts, pairings: 1 });
});

test("SIGINT twice, as npm passes it on, stops a connector in order: it hangs up and gives its channel back", {
  timeout: 90_000,
}, async () => {
  await using system = await apart();
  await system.api.post(`/channels/${system.channelId}/connect`);
  const connector = await system.connector();
  await system.scans();
  connector.signal("SIGINT");
  await connector.prints(/connector stops/);
  connector.signal("SIGINT");
  expect(await connector.ended).toBe(0);
  expect(connector.err).toBe("");
  expect((await system.channel())?.owner.connector).toBeNull();
  expect(system.phone.devices().map(({ isConnected }) => isConnected)).toEqual([false]);
});
