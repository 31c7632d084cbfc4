import { afterAll, beforeAll, describe, expect, test } from "vitest";
import WebSocket from "ws";
import { openEventLog } from "#connector/events/event-log.ts";
import { collectionNames, type FenceDocument, fenceId } from "#shared/collections.ts";
import type { Scope } from "#shared/scopes.ts";
import { eventually } from "#test/support/eventually.ts";
import { severableDatabase } from "#test/support/severable-database.ts";
import { GatewayFixture, type Listener, qr } from "./gateway.fixture.ts";

let gateway: GatewayFixture;

beforeAll(async () => {
  gateway = await GatewayFixture.start({ limits: { sweepMs: 600_000 } });
});

afterAll(() => gateway[Symbol.asyncDispose]());

function seqs({ received }: Pick<Listener, "received">): number[] {
  return received.filter(({ data }) => data.eventId !== undefined).map(({ data }) => Number(data.seq));
}

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index);
}

function resyncs({ received }: Listener): unknown[] {
  return received.filter(({ name }) => name === "resync_required").map(({ data }) => data);
}

/** Publishes as the owner of a channel does: in order, in as few writes as possible. */
async function publisher(channelId: string, { db } = gateway) {
  const log = await openEventLog(db.events, { channelId, epoch: 1 });
  return (count: number, padding = "") =>
    Promise.all(
      range(1, count).map((n) =>
        log.publish("message_status_update", { messageId: `M${n}${padding}`, status: "sent" }),
      ),
    );
}

async function setFence(channelId: string, numbers: Pick<FenceDocument, "lastSeq" | "writtenSeq">) {
  const fences = gateway.database.db.collection<FenceDocument>(collectionNames.events);
  await fences.updateOne(
    { _id: fenceId(channelId) },
    { $set: { channelId, epoch: 1, n: 1, ...numbers } },
    { upsert: true },
  );
}

describe("subscribe_channel with `after`", () => {
  test("sends the current state, then the missed events, then live events", async () => {
    const channelId = await gateway.addChannel();
    await gateway.addMessages(channelId, 1, 5);
    const client = await gateway.connectAdmin();
    const answer = await client.ask("subscribe_channel", { channelId, after: 2 });
    expect(answer).toEqual({ ok: true, channelId, status: "inactive", seq: 2 });
    await gateway.addMessages(channelId, 6, 6);
    await eventually(() => seqs(client).includes(6));
    expect(client.names().slice(1)).toEqual([
      "subscribed",
      "connection_update",
      ...Array(4).fill("incoming_message"),
    ]);
    expect(client.received[2]?.data.snapshot).toBe(true);
    expect(client.received[3]?.data).toEqual({
      channelId,
      seq: 3,
      eventId: expect.any(String),
      timestamp: expect.any(String),
      messageId: "M3",
      type: "incoming",
    });
    expect(seqs(client)).toEqual([3, 4, 5, 6]);
  });

  test("of the newest number repeats nothing", async () => {
    const channelId = await gateway.addChannel();
    await gateway.addMessages(channelId, 1, 3);
    const client = await gateway.connectAdmin();
    await client.ask("subscribe_channel", { channelId, after: 3 });
    await gateway.addMessages(channelId, 4, 4);
    await eventually(() => seqs(client).includes(4));
    expect([seqs(client), resyncs(client)]).toEqual([[4], []]);
  });

  test("of 0 sends all retained events from the first on, across many pages", async () => {
    const channelId = await gateway.addChannel();
    await (await publisher(channelId))(1_500);
    const client = await gateway.connectAdmin();
    await client.ask("subscribe_channel", { channelId, after: 0 });
    await eventually(() => seqs(client).at(-1) === 1_500);
    expect([seqs(client), resyncs(client)]).toEqual([range(1, 1_500), []]);
  });

  test("of a number whose successor is gone sends `resync_required`, then the retained events", async () => {
    const channelId = await gateway.addChannel();
    await gateway.addMessages(channelId, 10, 12);
    const client = await gateway.connectAdmin();
    await client.ask("subscribe_channel", { channelId, after: 4 });
    await eventually(() => seqs(client).includes(12));
    expect(resyncs(client)).toEqual([{ channelId, seq: 9 }]);
    expect(client.names().indexOf("resync_required")).toBeLessThan(
      client.names().indexOf("incoming_message"),
    );
    expect(seqs(client)).toEqual([10, 11, 12]);
    await gateway.addMessages(channelId, 13, 13);
    await eventually(() => seqs(client).includes(13));
  });

  test("of the number before the oldest retained event needs no resync, nor do unused numbers", async () => {
    const channelId = await gateway.addChannel();
    await gateway.addMessages(channelId, 10, 12);
    await gateway.addMessages(channelId, 15, 16);
    const client = await gateway.connectAdmin();
    await client.ask("subscribe_channel", { channelId, after: 9 });
    await eventually(() => seqs(client).includes(16));
    const later = await gateway.connectAdmin();
    await later.ask("subscribe_channel", { channelId, after: 12 });
    await eventually(() => seqs(later).includes(16));
    expect([seqs(client), seqs(later)]).toEqual([
      [10, 11, 12, 15, 16],
      [15, 16],
    ]);
    expect([resyncs(client), resyncs(later)]).toEqual([[], []]);
  });

  test("on a log emptied by retention sends `resync_required` only to a client that missed events", async () => {
    const channelId = await gateway.addChannel();
    await setFence(channelId, { writtenSeq: 20, lastSeq: 20 });
    const behind = await gateway.connectAdmin();
    const even = await gateway.connectAdmin();
    await behind.ask("subscribe_channel", { channelId, after: 7 });
    await even.ask("subscribe_channel", { channelId, after: 20 });
    await gateway.addMessages(channelId, 21, 21);
    await eventually(() => seqs(behind).includes(21) && seqs(even).includes(21));
    expect([resyncs(behind), resyncs(even)]).toEqual([[{ channelId, seq: 20 }], []]);
  });

  test("of a number that was never assigned sends `resync_required`, then live events from the newest on", async () => {
    const channelId = await gateway.addChannel();
    await gateway.addMessages(channelId, 1, 3);
    const client = await gateway.connectAdmin();
    await client.ask("subscribe_channel", { channelId, after: 4_000 });
    await eventually(() => resyncs(client).length > 0);
    await gateway.addMessages(channelId, 4, 4);
    await eventually(() => seqs(client).includes(4));
    expect([resyncs(client), seqs(client)]).toEqual([[{ channelId, seq: 3 }], [4]]);
  });

  test("of a number that another gateway has sent and this one is about to see waits for it", async () => {
    const channelId = await gateway.addChannel();
    await gateway.addMessages(channelId, 1, 3);
    const client = await gateway.connectAdmin();
    await client.ask("subscribe_channel", { channelId, after: 5 });
    await gateway.addMessages(channelId, 4, 6);
    await eventually(() => seqs(client).includes(6));
    expect([resyncs(client), seqs(client)]).toEqual([[], [6]]);
  });

  test("when subscribed already starts over from there, and live events arrive once", async () => {
    const channelId = await gateway.addChannel();
    await gateway.addMessages(channelId, 1, 4);
    const client = await gateway.connectAdmin();
    await client.ask("subscribe_channel", { channelId, after: 2 });
    await eventually(() => seqs(client).includes(4));
    await client.ask("subscribe_channel", { channelId, after: 3 });
    await eventually(() => seqs(client).length === 3);
    await gateway.addMessages(channelId, 5, 6);
    await eventually(() => seqs(client).includes(6));
    expect(seqs(client)).toEqual([3, 4, 4, 5, 6]);
    await client.ask("unsubscribe_channel", { channelId });
    await gateway.addMessages(channelId, 7, 7);
    const witness = await gateway.connectAdmin();
    await witness.ask("subscribe_channel", { channelId, after: 6 });
    await eventually(() => seqs(witness).includes(7));
    expect(seqs(client)).not.toContain(7);
  });

  test("sends a QR code that changes meanwhile once", async () => {
    const channelId = await gateway.addChannel({ status: "qr_ready" });
    await gateway.setPairing(channelId, qr(1));
    await gateway.addMessages(channelId, 1, 2);
    const client = await gateway.connectAdmin();
    const asked = client.ask("subscribe_channel", { channelId, after: 0 });
    await gateway.setPairing(channelId, qr(2));
    await asked;
    await eventually(() => client.received.some(({ data }) => data.attempt === 2));
    const attempts = client.received.filter(({ name }) => name === "qr_code").map(({ data }) => data.attempt);
    expect(new Set(attempts).size).toBe(attempts.length);
  });

  const audiences: [Scope[], number[]][] = [
    [["channels:read"], [2]],
    [
      ["channels:read", "messages:read"],
      [1, 2, 3],
    ],
    [["events:read"], [1, 2, 3]],
  ];

  test.each(audiences)("with %j sends the events %j, as it does live", async (scopes, expected) => {
    const channelId = await gateway.addChannel();
    await gateway.addMessages(channelId, 1, 1);
    await gateway.addEvent(channelId, 2, "connection_update", { status: "active" });
    await gateway.addMessages(channelId, 3, 3);
    const { key } = await gateway.addKey({ scopes });
    const client = gateway.connect({ auth: { apiKey: key } });
    await client.ask("subscribe_channel", { channelId, after: 0 });
    await gateway.addEvent(channelId, 4, "connection_update", { status: "active" });
    await eventually(() => seqs(client).includes(4));
    expect(seqs(client)).toEqual([...expected, 4]);
  });
});

describe("under load", () => {
  test("a replay joins the live events without a gap or a duplicate, at any time", async () => {
    const channelId = await gateway.addChannel();
    const publish = await publisher(channelId);
    await publish(3_000);
    const { key } = await gateway.addKey();
    const last = 3_000 + 20 * 150;
    const writing = (async () => {
      for (let round = 0; round < 20; round += 1) await publish(150);
    })();
    const clients: { client: Listener; after: number }[] = [];
    for (let joined = 0; joined < 8; joined += 1) {
      const client = gateway.connect({ auth: { apiKey: key } });
      const after = Math.floor(Math.random() * 3_000);
      await client.ask("subscribe_channel", { channelId, after });
      clients.push({ client, after });
    }
    await writing;
    for (const { client, after } of clients) {
      await eventually(() => seqs(client).at(-1) === last, { withinMs: 90_000 });
      expect(seqs(client)).toEqual(range(after + 1, last));
    }
  }, 180_000);

  test("a client that starts over receives nothing out of order meanwhile", async () => {
    const channelId = await gateway.addChannel();
    const publish = await publisher(channelId);
    await publish(3_000);
    const client = await gateway.connectAdmin();
    await client.ask("subscribe_channel", { channelId });
    const writing = (async () => {
      for (let round = 0; round < 20; round += 1) await publish(100);
    })();
    await eventually(() => seqs(client).length > 0);
    await client.ask("subscribe_channel", { channelId, after: 0 });
    await writing;
    await eventually(() => seqs(client).at(-1) === 5_000);
    const restart = client.received.findLastIndex(({ name }) => name === "subscribed");
    expect(seqs({ received: client.received.slice(restart) })).toEqual(range(1, 5_000));
  }, 120_000);

  test("the clients of a killed gateway reconnect to another, and none misses an event", async () => {
    const first = await GatewayFixture.start({ database: gateway.database });
    await using second = await GatewayFixture.start({ database: gateway.database });
    const channelId = await gateway.addChannel();
    const publish = await publisher(channelId);
    const { key } = await gateway.addKey();
    const before = await Promise.all(
      range(1, 10).map(async () => {
        const client = first.connect({ auth: { apiKey: key } });
        await client.ask("subscribe_channel", { channelId, after: 0 });
        return client;
      }),
    );
    const last = 3_000;
    const writing = (async () => {
      for (let round = 0; round < 30; round += 1) await publish(100);
    })();
    await eventually(() => before.every((client) => seqs(client).length > 0));
    await first.kill();
    await eventually(() => before.every(({ socket }) => socket.disconnected));
    const after = await Promise.all(
      before.map(async (former) => {
        const client = second.connect({ auth: { apiKey: key } });
        await client.ask("subscribe_channel", { channelId, after: seqs(former).at(-1) });
        return client;
      }),
    );
    await writing;
    for (const [index, client] of after.entries()) {
      await eventually(() => seqs(client).at(-1) === last, { withinMs: 90_000 });
      const whole = [...seqs(before[index] ?? client), ...seqs(client)];
      expect(whole).toEqual(range(1, last));
    }
    await first[Symbol.asyncDispose]();
  }, 180_000);
});

/** A client that can stop reading, so that data sent to it stays in the buffers on the way. */
class Unreading implements Disposable {
  readonly #socket: WebSocket;
  readonly received: { name: string; data: Record<string, unknown> }[] = [];
  isClosed = false;
  /** Stop reading at the next event of the log. The rest may have arrived before a test looks for that event. */
  pausesAtEvent = false;

  constructor(url: string, key: string) {
    this.#socket = new WebSocket(`${url.replace("http", "ws")}/socket.io/?EIO=4&transport=websocket`);
    this.#socket.on("close", () => {
      this.isClosed = true;
    });
    this.#socket.on("message", (data) => this.#receive(String(data), key));
  }

  send(name: string, data: object): void {
    this.#socket.send(`42${JSON.stringify([name, data])}`);
  }

  resume(): void {
    this.#socket.resume();
  }

  [Symbol.dispose](): void {
    this.#socket.terminate();
  }

  #receive(packet: string, key: string): void {
    if (packet.startsWith("0")) this.#socket.send(`40${JSON.stringify({ apiKey: key })}`);
    if (packet === "2") this.#socket.send("3");
    if (!packet.startsWith("42")) return;
    const [name, data] = JSON.parse(packet.slice(2));
    this.received.push({ name, data });
    if (!this.pausesAtEvent || data.eventId === undefined) return;
    this.pausesAtEvent = false;
    this.#socket.pause();
  }
}

const padding = "x".repeat(8_000);
const rows = 3_000;

test("a database lost during a replay closes the client, which misses nothing when it reconnects", async () => {
  await using severable = await severableDatabase(gateway.database.db.databaseName);
  const database = { ...gateway.database, db: severable.db };
  await using other = await GatewayFixture.start({ database, limits: { requestMs: 2_000 } });
  const channelId = await gateway.addChannel();
  const publish = await publisher(channelId);
  for (let done = 0; done < rows; done += 200) await publish(200, padding);
  const { key } = await gateway.addKey();
  using client = new Unreading(other.url, key);
  await eventually(() => client.received.some(({ name }) => name === "authenticated"));
  client.pausesAtEvent = true;
  client.send("subscribe_channel", { channelId, after: 0 });
  await eventually(() => seqs(client).length > 0);
  severable.cut();
  client.resume();
  await eventually(() => client.isClosed);
  await severable.mend();
  const reached = seqs(client).at(-1) ?? 0;
  expect(seqs(client)).toEqual(range(1, reached));
  expect(reached).toBeLessThan(rows);
  const again = gateway.connect({ auth: { apiKey: key } });
  await again.ask("subscribe_channel", { channelId, after: reached });
  await eventually(() => seqs(again).at(-1) === rows);
  expect(seqs(again)).toEqual(range(reached + 1, rows));
}, 120_000);

describe("a client that does not read", () => {
  test("is closed early in a replay, and misses nothing when it reconnects", async () => {
    await using other = await GatewayFixture.start({
      database: gateway.database,
      limits: { drainMs: 300 },
    });
    const channelId = await gateway.addChannel();
    const publish = await publisher(channelId);
    for (let done = 0; done < rows; done += 200) await publish(200, padding);
    const { key } = await gateway.addKey();
    using client = new Unreading(other.url, key);
    await eventually(() => client.received.some(({ name }) => name === "authenticated"));
    client.pausesAtEvent = true;
    client.send("subscribe_channel", { channelId, after: 0 });
    await eventually(() => seqs(client).length > 0);
    await eventually(() => other.logged.some((line) => line.includes("slow_consumer")));
    client.resume();
    await eventually(() => client.isClosed);
    const reached = seqs(client).at(-1) ?? 0;
    expect(seqs(client)).toEqual(range(1, reached));
    expect(reached).toBeLessThan(rows);
    // The other gateway would close a client that reads too slowly on a busy machine too.
    const again = gateway.connect({ auth: { apiKey: key } });
    await again.ask("subscribe_channel", { channelId, after: reached });
    await eventually(() => seqs(again).at(-1) === rows);
    expect(seqs(again)).toEqual(range(reached + 1, rows));
  }, 120_000);

  test("is closed while live, and misses nothing when it reconnects", async () => {
    await using other = await GatewayFixture.start({ database: gateway.database });
    const channelId = await gateway.addChannel();
    const publish = await publisher(channelId);
    const { key } = await gateway.addKey();
    using client = new Unreading(other.url, key);
    await eventually(() => client.received.some(({ name }) => name === "authenticated"));
    client.send("subscribe_channel", { channelId });
    await eventually(() => client.received.some(({ name }) => name === "subscribed"));
    client.pausesAtEvent = true;
    await publish(1);
    await eventually(() => seqs(client).length === 1);
    for (let done = 0; done < rows; done += 200) await publish(200, padding);
    await eventually(() => other.logged.some((line) => line.includes("slow_consumer")));
    client.resume();
    await eventually(() => client.isClosed);
    const reached = seqs(client).at(-1) ?? 0;
    expect(seqs(client)).toEqual(range(1, reached));
    const again = other.connect({ auth: { apiKey: key } });
    await again.ask("subscribe_channel", { channelId, after: reached });
    await eventually(() => seqs(again).at(-1) === rows + 1);
    expect(seqs(again)).toEqual(range(reached + 1, rows + 1));
  }, 120_000);
});
