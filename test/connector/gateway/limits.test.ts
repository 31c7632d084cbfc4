import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { MongoClient } from "mongodb";
import { io } from "socket.io-client";
import { expect, test } from "vitest";
import { attachGateway } from "#connector/gateway/gateway.ts";
import { createChangeHub } from "#shared/change-hub.ts";
import { createLog } from "#shared/log.ts";
import { eventually } from "#test/support/eventually.ts";
import { GatewayFixture } from "./gateway.fixture.ts";
import { PollingClient } from "./raw-clients.fixture.ts";

test("the total number of connections is limited", async () => {
  await using gateway = await GatewayFixture.start({ limits: { connectionsMax: 2 } });
  const clients = [await gateway.connectAdmin(), await gateway.connectAdmin()];
  await eventually(() => clients.every(({ socket }) => socket.connected));
  const third = await gateway.connectAdmin();
  await new Promise((resolve) => third.socket.on("connect_error", resolve));
});

test("a client that sends requests too fast receives `rate_limited`, and is closed if it continues", async () => {
  const limits = { requestsPerSecond: 0.001, requestsBurst: 3, refusalsMax: 4 };
  await using gateway = await GatewayFixture.start({ limits });
  const client = await gateway.connectAdmin();
  const codes: unknown[] = [];
  for (let count = 0; count < 7; count += 1) {
    const { error } = await client.ask("unsubscribe_channel", { channelId: "x" });
    codes.push(error?.code);
  }
  expect(codes).toEqual([...Array(3).fill(undefined), ...Array(4).fill("rate_limited")]);
  client.socket.emit("anything");
  await eventually(() => client.socket.disconnected);
});

test("repeated joins with wrong keys end the connection", async () => {
  await using gateway = await GatewayFixture.start();
  const polling = new PollingClient(gateway.url);
  await polling.open();
  for (let tries = 0; tries < 3; tries += 1) await polling.send(`40{"apiKey":"wp_${tries}"}`);
  await eventually(async () => (await polling.receive()).includes("invalid_api_key"));
  await polling.send('40{"apiKey":"wp_4"}');
  await eventually(async () => (await polling.poll()).status === 400);
});

test("a client that does not read is closed; others still receive events", async () => {
  await using gateway = await GatewayFixture.start({ limits: { writeBufferMax: 20 } });
  const { key } = await gateway.addKey();
  const channelId = await gateway.addChannel();
  const witness = gateway.connect({ auth: { apiKey: key } });
  await witness.ask("subscribe_channel", { channelId });
  const slow = new PollingClient(gateway.url);
  await slow.open();
  await slow.send(`40${JSON.stringify({ apiKey: key })}`);
  await eventually(async () => (await slow.receive()).includes('["authenticated"'));
  await slow.send(`42${JSON.stringify(["subscribe_channel", { channelId }])}`);
  await eventually(async () => (await slow.receive()).includes('"snapshot":true'));
  await gateway.addMessages(channelId, 1, 15);
  await eventually(() => witness.received.some(({ data }) => data.seq === 15));
  expect((await slow.poll()).text).toContain('"seq":15');
  await gateway.addMessages(channelId, 16, 60);
  await eventually(() => witness.received.some(({ data }) => data.seq === 60));
  expect((await slow.poll()).status).toBe(400);
  expect(witness.socket.connected).toBe(true);
});

test("a client that reads is not closed by more events at once than a slow one may leave unsent", async () => {
  await using gateway = await GatewayFixture.start({ limits: { writeBufferMax: 20 } });
  const channelId = await gateway.addChannel();
  const client = await gateway.connectAdmin();
  await client.ask("subscribe_channel", { channelId });
  await gateway.addMessagesAtOnce(channelId, 150);
  await eventually(() => client.received.some(({ data }) => data.seq === 150));
  expect(client.socket.connected).toBe(true);
});

test("a client that asks and never reads, on channels where nothing happens, is closed", async () => {
  await using gateway = await GatewayFixture.start({ limits: { answersUnsentMax: 5, drainMs: 300 } });
  const { key } = await gateway.addKey();
  const client = await new PollingClient(gateway.url).open();
  await client.send(`40${JSON.stringify({ apiKey: key })}`);
  await eventually(async () => (await client.receive()).includes('"authenticated"'));
  const ask = (id: number) => `42${id}["unsubscribe_channel",{"channelId":"x"}]`;
  await client.send(...Array.from({ length: 20 }, (_, id) => ask(id)));
  await eventually(async () => (await client.send("3")) === 400);
});

test("a client that asks faster than it reads, but reads, gets every answer", async () => {
  await using gateway = await GatewayFixture.start({ limits: { answersUnsentMax: 5 } });
  const { key } = await gateway.addKey();
  const client = await new PollingClient(gateway.url).open();
  await client.send(`40${JSON.stringify({ apiKey: key })}`);
  await eventually(async () => (await client.receive()).includes('"authenticated"'));
  const ask = (id: number) => `42${id}["unsubscribe_channel",{"channelId":"x"}]`;
  await client.send(...Array.from({ length: 50 }, (_, id) => ask(id)));
  let received = "";
  await eventually(async () => {
    received += await client.receive();
    return received.includes("4349[");
  });
  for (let id = 0; id < 50; id += 1) expect(received).toContain(`43${id}[`);
});

test("requests that wait for an earlier one are limited, in number and in size", async () => {
  await using gateway = await GatewayFixture.start({
    limits: { waitingRequestsMax: 3, waitingBytesMax: 200 },
  });
  const client = await gateway.connectAdmin();
  await eventually(() => client.socket.connected);
  const ask = () => client.ask("subscribe_channel", { channelId: "x" });
  const answers = await Promise.all([ask(), ask(), ask(), ask()]);
  expect(answers.map(({ error }) => error?.code)).toEqual([
    ...Array(3).fill("channel_not_found"),
    "rate_limited",
  ]);
  expect((await client.ask("authenticate", { apiKey: "x".repeat(300) })).error?.code).toBe("rate_limited");
});

test("events that a client misses are sent in portions that it has time to receive", async () => {
  await using gateway = await GatewayFixture.start({
    limits: { writeBytesMax: 50_000, replayBytesMax: 10_000 },
  });
  const { key } = await gateway.addKey();
  const channelId = await gateway.addChannel();
  for (let seq = 1; seq <= 100; seq += 1) {
    await gateway.addEvent(channelId, seq, "incoming_message", { message: "x".repeat(2_000) });
  }
  const client = gateway.connect({ auth: { apiKey: key }, transports: ["polling"] });
  await client.ask("subscribe_channel", { channelId, after: 0 });
  await eventually(() => client.received.some(({ data }) => data.seq === 100));
  expect(client.received.filter(({ name }) => name === "incoming_message")).toHaveLength(100);
});

test("without a database every request fails with `database_unavailable`, no try counts, and closing works", async () => {
  const client = new MongoClient("mongodb://127.0.0.1:1/none", { serverSelectionTimeoutMS: 500 });
  const server = createServer();
  const limits = { requestMs: 100 };
  const log = createLog("silent");
  const db = client.db();
  await using changes = createChangeHub({ db, log });
  const gateway = await attachGateway({ server, db, changes, origins: [], trustProxy: 0, log, limits });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const socket = io(url, { forceNew: true, reconnection: false });
  for (let tries = 0; tries < 4; tries += 1) {
    const answer = await socket.timeout(60_000).emitWithAck("authenticate", { apiKey: "wp_x" });
    expect(answer).toMatchObject({ ok: false, error: { code: "database_unavailable" } });
  }
  expect(socket.connected).toBe(true);
  const refused = io(url, { forceNew: true, reconnection: false, auth: { apiKey: "wp_x" } });
  const error = await new Promise<Error & { data?: unknown }>((resolve) =>
    refused.on("connect_error", resolve),
  );
  expect(error.data).toMatchObject({ code: "database_unavailable" });
  await gateway.close();
  server.closeAllConnections();
  server.close();
  await client.close();
});
