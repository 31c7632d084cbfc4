import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "#test/support/eventually.ts";
import { GatewayFixture } from "./gateway.fixture.ts";
import { PollingClient, SocketClient } from "./raw-clients.fixture.ts";

const elsewhere = "40/x,";
const isGone = async (client: PollingClient) => (await client.send("3")) === 400;

describe("before a key was presented", () => {
  test("joins of a namespace that does not exist end the connection at the third", async () => {
    await using gateway = await GatewayFixture.start();
    const client = await new SocketClient(gateway.url).open();
    client.send(...Array(100).fill(elsewhere));
    await eventually(() => client.isClosed);
    expect(client.received.filter((packet) => packet.startsWith("44/x,")).length).toBeLessThan(3);
  });

  test.each([
    ["has never joined", []],
    ["was refused a namespace and does not read", [elsewhere]],
    ["has joined and does not read", ["40"]],
  ])("a connection that %s is closed when its time is over", async (_what, packets) => {
    await using gateway = await GatewayFixture.start({ limits: { authenticateMs: 500, lingerMs: 100 } });
    const client = await new PollingClient(gateway.url).open();
    for (const packet of packets) await client.send(packet);
    await eventually(() => isGone(client));
  });

  test("one connection too many of an address closes its oldest, and a key is served at once", async () => {
    await using gateway = await GatewayFixture.start({ limits: { anonymousPerAddressMax: 3 } });
    const idle = await Promise.all([1, 2, 3].map(() => new PollingClient(gateway.url).open()));
    const keyed = await gateway.connectAdmin();
    await eventually(() => keyed.names().includes("authenticated"));
    const alive = await Promise.all(idle.map(async (client) => !(await isGone(client))));
    expect(alive.filter(Boolean)).toHaveLength(2);
    const later = await gateway.connectAdmin();
    await eventually(() => later.names().includes("authenticated"));
    expect(keyed.socket.connected).toBe(true);
  });

  test("behind a proxy, connections are counted by the address that it names", async () => {
    await using gateway = await GatewayFixture.start({
      trustProxy: 1,
      limits: { anonymousPerAddressMax: 1 },
    });
    const from = (address: string) =>
      new PollingClient(gateway.url, { "X-Forwarded-For": `spoofed, ${address}` }).open();
    const [first, second] = [await from("203.0.113.1"), await from("203.0.113.2")];
    expect([await isGone(first), await isGone(second)]).toEqual([false, false]);
    await from("203.0.113.1");
    expect([await isGone(first), await isGone(second)]).toEqual([true, false]);
  });

  test("without a proxy, a client cannot choose the address that it is counted by", async () => {
    await using gateway = await GatewayFixture.start({ limits: { anonymousPerAddressMax: 1 } });
    const first = await new PollingClient(gateway.url, { "X-Forwarded-For": "203.0.113.1" }).open();
    await new PollingClient(gateway.url, { "X-Forwarded-For": "203.0.113.2" }).open();
    expect(await isGone(first)).toBe(true);
  });

  test("the connections of all addresses are limited; the oldest makes room", async () => {
    await using gateway = await GatewayFixture.start({ trustProxy: 1, limits: { anonymousMax: 2 } });
    const clients: PollingClient[] = [];
    for (const address of ["203.0.113.1", "203.0.113.2", "203.0.113.3"]) {
      clients.push(await new PollingClient(gateway.url, { "X-Forwarded-For": address }).open());
    }
    expect(await Promise.all(clients.map(isGone))).toEqual([true, false, false]);
  });

  test("a full gateway closes a connection without a key in favour of a new one", async () => {
    await using gateway = await GatewayFixture.start({ limits: { connectionsMax: 2 } });
    const kept = await gateway.connectAdmin();
    await eventually(() => kept.names().includes("authenticated"));
    const idle = await new PollingClient(gateway.url).open();
    const second = await gateway.connectAdmin();
    await eventually(() => second.names().includes("authenticated"));
    expect([await isGone(idle), kept.socket.connected]).toEqual([true, true]);
  });

  test("presenting a key makes a connection one that no other can push out", async () => {
    await using gateway = await GatewayFixture.start({ limits: { anonymousPerAddressMax: 1 } });
    const { key } = await gateway.addKey();
    const client = gateway.connect();
    await client.ask("authenticate", { apiKey: key });
    await new PollingClient(gateway.url).open();
    await new PollingClient(gateway.url).open();
    expect((await client.ask("unsubscribe_channel", { channelId: "x" })).ok).toBe(true);
  });

  test("a client that has more unsent answers than its packets are worth is closed", async () => {
    await using gateway = await GatewayFixture.start({ limits: { anonymousUnsentMax: 10 } });
    const client = await new PollingClient(gateway.url).open();
    await client.send("40");
    await client.send(...Array.from({ length: 30 }, (_, id) => `42${id}["nothing"]`));
    await eventually(() => isGone(client));
  });
});

describe("a connection that has presented a key is closed", () => {
  let gateway: GatewayFixture;
  beforeAll(async () => {
    const limits = { packetsBurst: 20, bytesBurst: 1_000, fragmentsMax: 5, recheckMs: 50, lingerMs: 100 };
    gateway = await GatewayFixture.start({ limits });
  });
  afterAll(() => gateway[Symbol.asyncDispose]());

  async function keyedClient(): Promise<SocketClient> {
    const { key } = await gateway.addKey();
    const client = await new SocketClient(gateway.url).open();
    client.send(`40${JSON.stringify({ apiKey: key })}`);
    await eventually(() => client.received.some((packet) => packet.includes('"authenticated"')));
    return client;
  }

  test.each([
    ["it announces an attachment", ['451-["x",{"_placeholder":true,"num":0}]']],
    ["it announces an attachment of an acknowledgement", ['461-0[{"_placeholder":true,"num":0}]']],
    ["it sends bytes", [Buffer.alloc(100)]],
    ["it sends more packets than a client has reason to", Array(30).fill("3")],
    ["it sends more bytes than a client has reason to", Array(3).fill(`42["x","${"y".repeat(500)}"]`)],
    ["it leaves the namespace and stays", ["41"]],
  ])("when %s", async (_what, packets) => {
    const client = await keyedClient();
    client.send(...packets);
    await eventually(() => client.isClosed);
  });

  test("when it does not answer a ping in time", async () => {
    await using pinging = await GatewayFixture.start({ limits: { pingMs: 50, pongMs: 100 } });
    const { key } = await pinging.addKey();
    const client = await new SocketClient(pinging.url).open();
    client.send(`40${JSON.stringify({ apiKey: key })}`);
    await eventually(() => client.isClosed);
    expect(client.received).toContain("2");
  });

  test("when it sends a message in too many fragments", async () => {
    const client = await keyedClient();
    for (let sent = 0; sent < 10; sent += 1) client.socket.send("3", { fin: false });
    await eventually(() => client.isClosed);
  });

  test("when its key is revoked, although it does not read", async () => {
    const { key, keyId } = await gateway.addKey();
    const client = await new PollingClient(gateway.url).open();
    await client.send(`40${JSON.stringify({ apiKey: key })}`);
    await eventually(async () => (await client.receive()).includes('"authenticated"'));
    await gateway.db.apiKeys.deleteOne({ _id: keyId });
    await eventually(() => isGone(client));
  });
});

test("a connection whose websocket goes on probing instead of replacing the polls is closed", async () => {
  await using gateway = await GatewayFixture.start();
  const polling = await new PollingClient(gateway.url).open();
  const probing = await new SocketClient(gateway.url, polling.sid).open();
  probing.send(...Array(50).fill("2probe"));
  await eventually(() => isGone(polling));
  await eventually(() => probing.isClosed);
  expect(probing.received.length).toBeLessThan(4);
});
