import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hashSecret } from "#shared/api-key.ts";
import { eventually } from "#test/support/eventually.ts";
import { GatewayFixture, type Listener } from "./gateway.fixture.ts";
import { SocketClient } from "./raw-clients.fixture.ts";

let gateway: GatewayFixture;

beforeAll(async () => {
  gateway = await GatewayFixture.start({ limits: { recheckMs: 100, authenticateMs: 2_000, lingerMs: 100 } });
});

afterAll(() => gateway[Symbol.asyncDispose]());

/** Socket.io's client as a page uses it: it authenticates once, when the page loads, and reconnects by itself. */
function loadPage(at: GatewayFixture, key: string, channelId: string): Listener {
  const page = at.connect({
    transports: ["polling", "websocket"],
    reconnection: true,
    reconnectionDelay: 50,
  });
  page.socket.emit("authenticate", { apiKey: key });
  page.socket.on("authenticated", () => page.socket.emit("subscribe_channel", { channelId }));
  return page;
}

const times = (page: Listener, name: string) => page.names().filter((it) => it === name).length;

async function loadedPage(at = gateway) {
  const { key, keyId } = await at.addKey();
  const channelId = await at.addChannel();
  const page = loadPage(at, key, channelId);
  await eventually(() => times(page, "connection_update") === 1);
  await eventually(async () => at.db.socketSessions.findOne({ keyHash: hashSecret(key) }));
  return { page, key, keyId, channelId };
}

/** Loses the connection; resolves when the page has a new one. */
async function lose({ socket }: Listener): Promise<void> {
  const { id } = socket;
  socket.io.engine.close();
  await eventually(() => socket.connected && socket.id !== id);
}

describe("a page that authenticates once", () => {
  test("returns with its identity after each lost connection, and hears what it subscribes to again", async () => {
    const { page, channelId } = await loadedPage();
    for (const seq of [1, 2, 3]) {
      await lose(page);
      await eventually(() => times(page, "subscribed") === seq + 1);
      await gateway.addMessages(channelId, seq, seq);
      await eventually(() => times(page, "incoming_message") === seq);
    }
    expect(
      page.received.filter(({ name }) => name === "incoming_message").map(({ data }) => data.seq),
    ).toEqual([1, 2, 3]);
  });

  test("returns to another gateway on the same database", async () => {
    await using other = await GatewayFixture.start({ database: gateway.database });
    const { page } = await loadedPage();
    Reflect.set(page.socket.io, "uri", other.url);
    await lose(page);
    await eventually(() => times(page, "authenticated") === 2);
  });

  test("goes on trying while the database cannot be read, and returns when it can", async () => {
    await using other = await GatewayFixture.start({ limits: { authenticateMs: 2_000, lingerMs: 100 } });
    const { page } = await loadedPage(other);
    const { db } = other.database;
    await db.collection("socket_sessions").rename("unbroken");
    const pipeline = [{ $set: { broken: { $toInt: "broken" } } }];
    await db.createCollection("socket_sessions", { viewOn: "unbroken", pipeline });
    page.socket.io.engine.close();
    await eventually(() => other.logged.filter((line) => line.includes("handshake_failed")).length > 1);
    await db.dropCollection("socket_sessions");
    await db.collection("unbroken").rename("socket_sessions");
    await eventually(() => times(page, "authenticated") === 2);
  });

  test("has none of its rooms back before it subscribes", async () => {
    const { page, channelId } = await loadedPage();
    page.socket.off("authenticated");
    await lose(page);
    await eventually(() => times(page, "authenticated") === 2);
    const witness = await gateway.connectAdmin();
    await witness.ask("subscribe_channel", { channelId });
    await gateway.addMessages(channelId, 1, 1);
    await eventually(() => witness.names().includes("incoming_message"));
    expect([times(page, "incoming_message"), page.socket.recovered]).toEqual([0, false]);
  });

  test("returns with the rights that its key has now", async () => {
    const { page, keyId } = await loadedPage();
    await gateway.db.apiKeys.updateOne({ _id: keyId }, { $set: { scopes: ["channels:read"] } });
    const again = await eventually(() => page.received.filter(({ name }) => name === "authenticated")[1]);
    expect(again.data.scopes).toEqual(["channels:read"]);
  });

  test("stays without an identity when its key was revoked meanwhile", async () => {
    const { page, keyId } = await loadedPage();
    await gateway.db.apiKeys.updateOne({ _id: keyId }, { $set: { revokedAt: new Date() } });
    page.socket.io.engine.close();
    await eventually(() => page.names().includes("authentication_failed"));
    expect(times(page, "authenticated")).toBe(1);
  });

  test("stays without an identity when it returns too late", async () => {
    const limits = { recheckMs: 100, returnMs: 200, authenticateMs: 2_000 };
    await using strict = await GatewayFixture.start({ database: gateway.database, limits });
    const { page } = await loadedPage(strict);
    page.socket.io.reconnectionDelay(3_000);
    page.socket.io.engine.close();
    await eventually(() => page.names().includes("authentication_failed"));
    expect(times(page, "authenticated")).toBe(1);
  });
});

/** Joins with `auth`; resolves to the packets received until the answer of a request. */
async function join(auth: object): Promise<string[]> {
  const client = await new SocketClient(gateway.url).open();
  client.send(`40${JSON.stringify(auth)}`);
  await eventually(() => client.received.some((packet) => packet.startsWith("40")));
  client.send('421["unsubscribe_channel",{"channelId":"x"}]');
  await eventually(() => client.received.some((packet) => packet.startsWith("431")));
  client.socket.terminate();
  return client.received;
}

const pidOf = (packets: string[]): string | undefined =>
  JSON.parse(packets.find((packet) => packet.startsWith("40"))?.slice(2) ?? "{}").pid;

describe("the secret of a connection", () => {
  test("is new for every connection, stored as a hash, and not in the log", async () => {
    const { key } = await gateway.addKey();
    const client = await new SocketClient(gateway.url).open();
    client.send("40");
    await eventually(() => client.received.some((packet) => packet.startsWith("40")));
    client.send(`42${JSON.stringify(["authenticate", { apiKey: key }])}`);
    const row = await eventually(() => gateway.db.socketSessions.findOne({ keyHash: hashSecret(key) }));
    const pid = pidOf(client.received) ?? "";
    client.socket.terminate();
    const again = await join({ pid });
    expect(again.join()).toContain('"authenticated"');
    expect([row._id, pid.length]).toEqual([hashSecret(pid), 43]);
    expect(pidOf(again)).not.toBe(pid);
    expect(gateway.logged.join()).not.toContain(pid);
  });

  test.each([
    ["a made-up one", { pid: "A".repeat(43), offset: "1" }],
    ["that of a connection that never presented a key", "anonymous"],
    ["a hash from the database", "hash"],
  ])("is no credential if it is %s", async (_what, made) => {
    const { key } = await gateway.addKey();
    const client = gateway.connect();
    await client.ask("authenticate", { apiKey: key });
    const row = await gateway.db.socketSessions.findOne({ keyHash: hashSecret(key) });
    const others = { anonymous: { pid: pidOf(await join({})) }, hash: { pid: row?._id } };
    const auth = typeof made === "string" ? others[made as keyof typeof others] : made;
    const packets = await join(auth);
    expect(packets.join()).not.toContain('"authenticated"');
    expect(packets.join()).toContain("missing_api_key");
  });

  test("is forgotten when the client leaves", async () => {
    const { page, key } = await loadedPage();
    page.socket.disconnect();
    await eventually(
      async () => (await gateway.db.socketSessions.countDocuments({ keyHash: hashSecret(key) })) === 0,
    );
  });

  test("is not issued to a client that repeats its key by itself", async () => {
    const { key } = await gateway.addKey();
    const packets = await join({ apiKey: key });
    expect(pidOf(packets)).toBeUndefined();
    expect(await gateway.db.socketSessions.countDocuments({ keyHash: hashSecret(key) })).toBe(0);
  });

  test("does not make up for a wrong key beside it", async () => {
    const { page } = await loadedPage();
    const pid: unknown = Reflect.get(page.socket, "_pid");
    const client = gateway.connect({ auth: { apiKey: "wp_nobody", pid } });
    const error = await new Promise<Error & { data?: unknown }>((resolve) =>
      client.socket.on("connect_error", resolve),
    );
    expect(error.data).toMatchObject({ code: "invalid_api_key" });
  });
});
