import diagnostics from "node:diagnostics_channel";
import { Socket } from "node:net";
import { Timestamp } from "mongodb";
import { expect, onTestFinished, test } from "vitest";
import { newEventId } from "#shared/ids.ts";
import { eventually } from "#test/support/eventually.ts";
import { killStreams } from "#test/support/kill-streams.ts";
import { GatewayFixture, type Listener, qr, type ReceivedEvent } from "./gateway.fixture.ts";

function loggedSeqs({ received }: Listener): number[] {
  return received
    .filter(({ data }: ReceivedEvent) => data.eventId !== undefined)
    .map(({ data }) => Number(data.seq));
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

test("a client that joins at any time receives every event after the `seq` of `subscribed`, once and in order", async () => {
  await using gateway = await GatewayFixture.start();
  const { key } = await gateway.addKey();
  const channelId = await gateway.addChannel();
  const [rounds, perRound] = [15, 30];
  const last = rounds * perRound;
  const joined: { client: Listener; seq: number }[] = [];
  for (let written = 0; written < last; written += perRound) {
    const writing = gateway.addMessages(channelId, written + 1, written + perRound);
    const client = gateway.connect({ auth: { apiKey: key } });
    const answer = await client.ask("subscribe_channel", { channelId });
    joined.push({ client, seq: Number(answer.seq) });
    await writing;
  }
  for (const { client, seq } of joined) {
    await eventually(() => loggedSeqs(client).at(-1) === last || seq === last);
    expect(loggedSeqs(client)).toEqual(range(seq + 1, last));
  }
  // Clients two rounds apart are 30 messages apart, however fast the machine is.
  expect(new Set(joined.map(({ seq }) => seq)).size).toBeGreaterThanOrEqual(rounds / 2);
});

test.skipIf(Boolean(process.versions.bun))(
  "a client gets what is appended together in two writes",
  async () => {
    await using gateway = await GatewayFixture.start();
    const writes = countWrites();
    const channelId = await gateway.addChannel();
    const client = await gateway.connectAdmin();
    await client.ask("subscribe_channel", { channelId });
    writes.count = 0;
    const appended = range(1, 30).map((seq) => ({
      ...{ _id: newEventId(), channelId, seq, ord: new Timestamp({ t: 0, i: 0 }), timestamp: new Date() },
      ...{ type: "incoming_message", data: { messageId: `M${seq}`, type: "incoming" } },
    }));
    gateway.changes.eventsAppended(appended);
    await eventually(() => loggedSeqs(client).length === 30);
    expect(loggedSeqs(client)).toEqual(range(1, 30));
    expect(writes.count).toBe(2);
  },
);

/** Counts what sockets write that a server of this process accepts from now on. */
function countWrites(): { count: number } {
  const writes = { count: 0 };
  const accepted = (message: unknown) => {
    const { socket } = message as { socket: Socket };
    for (const name of ["_write", "_writev"] as const) {
      const write = Socket.prototype[name] as (...values: unknown[]) => void;
      Object.assign(socket, {
        [name]: (...values: unknown[]) => {
          writes.count += 1;
          write.apply(socket, values);
        },
      });
    }
  };
  diagnostics.subscribe("net.server.socket", accepted);
  onTestFinished(() => void diagnostics.unsubscribe("net.server.socket", accepted));
  return writes;
}

test("a lost change stream neither loses nor duplicates an event", async () => {
  await using gateway = await GatewayFixture.start({ limits: { sweepMs: 600_000 } });
  const channelId = await gateway.addChannel();
  const client = await gateway.connectAdmin();
  await client.ask("subscribe_channel", { channelId });
  await gateway.addMessages(channelId, 1, 5);
  await eventually(() => loggedSeqs(client).length === 5);
  // A rename or a drop invalidates the stream: the driver cannot resume it, so another must be opened.
  await gateway.db.events.drop();
  await gateway.db.channels.rename("elsewhere");
  await gateway.database.db.collection("elsewhere").rename("channels");
  await gateway.addMessages(channelId, 6, 30);
  await gateway.setPairing(channelId, qr(1));
  await eventually(() => loggedSeqs(client).length === 30 && client.names().includes("qr_code"));
  await gateway.addMessages(channelId, 31, 32);
  await gateway.setPairing(channelId, qr(2));
  await eventually(() => client.received.some(({ data }) => data.attempt === 2));
  await eventually(() => loggedSeqs(client).length >= 32);
  expect(loggedSeqs(client)).toEqual(range(1, 32));
  expect(client.names().filter((name) => name === "qr_code")).toHaveLength(2);
});

test("a stream whose cursor the server has killed continues where it was", async () => {
  await using gateway = await GatewayFixture.start({ limits: { sweepMs: 600_000 } });
  const channelId = await gateway.addChannel();
  const client = await gateway.connectAdmin();
  await client.ask("subscribe_channel", { channelId });
  expect(await killStreams(gateway.database.db)).toBe(1);
  await gateway.addMessages(channelId, 1, 10);
  await eventually(() => loggedSeqs(client).length >= 10);
  expect(loggedSeqs(client)).toEqual(range(1, 10));
});

test("a gap in the numbers, as an interrupted write may leave, does not block later events", async () => {
  await using gateway = await GatewayFixture.start({ limits: { sweepMs: 600_000 } });
  const channelId = await gateway.addChannel();
  const client = await gateway.connectAdmin();
  await client.ask("subscribe_channel", { channelId });
  await gateway.addMessages(channelId, 1, 2);
  await gateway.addMessages(channelId, 5, 6);
  await eventually(() => loggedSeqs(client).includes(6));
  expect(loggedSeqs(client)).toEqual([1, 2, 5, 6]);
});

test("fence rows, which have no number, are not sent as events", async () => {
  await using gateway = await GatewayFixture.start();
  const channelId = await gateway.addChannel();
  const fences = gateway.database.db.collection<{ _id: string }>("events");
  const fence = { _id: `${channelId}/fence`, channelId, epoch: 1, n: 1, lastSeq: 7 };
  await fences.insertOne(fence);
  const client = await gateway.connectAdmin();
  await client.ask("subscribe_channel", { channelId });
  await fences.deleteOne({ _id: fence._id });
  await fences.insertOne(fence);
  await gateway.addMessages(channelId, 8, 8);
  await eventually(() => loggedSeqs(client).includes(8));
  expect(client.names().filter((name) => name === "undefined" || name === "fence")).toEqual([]);
  expect(loggedSeqs(client)).toEqual([8]);
});

test("the sweep finds an event that no change stream reported", async () => {
  await using gateway = await GatewayFixture.start({ limits: { sweepMs: 50 } });
  const channelId = await gateway.addChannel();
  const client = await gateway.connectAdmin();
  await client.ask("subscribe_channel", { channelId });
  // A row that receives its number by an update is not reported as an insert.
  await gateway.addMessages(channelId, 1, 1);
  await eventually(() => loggedSeqs(client).includes(1));
  const { insertedId } = await gateway.database.db.collection("events").insertOne({ channelId });
  const row = { seq: 2, type: "incoming_message", timestamp: new Date(), data: {} };
  await gateway.database.db.collection("events").updateOne({ _id: insertedId }, { $set: row });
  await eventually(() => loggedSeqs(client).includes(2));
});
