import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { MongoClient } from "mongodb";
import { io } from "socket.io-client";
import { expect, test } from "vitest";
import { attachGateway } from "#connector/gateway/gateway.ts";
import { createLog } from "#shared/log.ts";
import { eventually } from "#test/support/eventually.ts";
import { GatewayFixture } from "./gateway.fixture.ts";

test("the joined connections of an address without a key are limited; presenting a key frees one", async () => {
  await using gateway = await GatewayFixture.start({ limits: { unauthenticatedPerAddressMax: 2 } });
  const { key } = await gateway.addKey();
  const [first, second] = [gateway.connect(), gateway.connect()];
  await eventually(() => first.socket.connected && second.socket.connected);
  const third = gateway.connect();
  await eventually(() => third.socket.io.engine.readyState === "closed");
  expect(third.socket.connected).toBe(false);
  const keyed = gateway.connect({ auth: { apiKey: key } });
  await eventually(() => keyed.names().includes("authenticated"));
  await first.ask("authenticate", { apiKey: key });
  const fourth = gateway.connect();
  await eventually(() => fourth.socket.connected);
  second.socket.disconnect();
  fourth.socket.disconnect();
  await eventually(() => {
    const { socket } = gateway.connect();
    return new Promise<boolean>((resolve) => {
      socket.on("connect", () => resolve(true));
      socket.io.on("close", () => resolve(false));
    });
  });
});

test("the connections of an address that have not presented a key, joined or not, are limited", async () => {
  await using gateway = await GatewayFixture.start({ limits: { arrivingPerAddressMax: 2 } });
  const { key } = await gateway.addKey();
  const keyed = gateway.connect({ auth: { apiKey: key } });
  await eventually(() => keyed.names().includes("authenticated"));
  for (const client of [new PollingClient(gateway.url), new PollingClient(gateway.url)]) await client.open();
  const third = gateway.connect({ auth: { apiKey: key } });
  await new Promise((resolve) => third.socket.on("connect_error", resolve));
  expect(keyed.socket.connected).toBe(true);
});

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

test("without a database every request fails with `database_unavailable`, no try counts, and closing works", async () => {
  const client = new MongoClient("mongodb://127.0.0.1:1/none", { serverSelectionTimeoutMS: 500 });
  const server = createServer();
  const limits = { requestMs: 100 };
  const log = createLog("silent");
  const gateway = await attachGateway({ server, db: client.db(), origins: [], log, limits });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const socket = io(url, { forceNew: true, reconnection: false });
  for (let tries = 0; tries < 4; tries += 1) {
    const answer = await socket.timeout(5_000).emitWithAck("authenticate", { apiKey: "wp_x" });
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

/** Speaks Engine.IO directly, so that it can stop reading. */
class PollingClient {
  readonly #address: string;
  #sid = "";

  constructor(url: string) {
    this.#address = `${url}/socket.io/?EIO=4&transport=polling`;
  }

  async open(): Promise<void> {
    const text = await (await fetch(this.#address)).text();
    this.#sid = JSON.parse(text.slice(1)).sid;
  }

  async send(packet: string): Promise<void> {
    await fetch(`${this.#address}&sid=${this.#sid}`, { method: "POST", body: packet });
  }

  async poll(): Promise<{ status: number; text: string }> {
    const response = await fetch(`${this.#address}&sid=${this.#sid}`);
    return { status: response.status, text: await response.text() };
  }

  async receive(): Promise<string> {
    return (await this.poll()).text;
  }
}
