import { Timestamp } from "mongodb";
import { expect, test } from "vitest";
import { newEventId } from "#shared/ids.ts";
import { eventually } from "#test/support/eventually.ts";
import { GatewayFixture } from "./gateway.fixture.ts";

const phoneNumber = "15550001111";

/** Turns a collection into a view whose reads fail with an error that quotes the phone number. */
async function breakReads({ database }: GatewayFixture, name: string): Promise<void> {
  await database.db.collection(name).rename(`unbroken_${name}`);
  await database.db.createCollection(name, {
    viewOn: `unbroken_${name}`,
    pipeline: [{ $set: { broken: { $toInt: `${phoneNumber} is not a number` } } }],
  });
}

/** The first log line of an event. */
async function logLine({ logged }: GatewayFixture, event: string): Promise<string> {
  return await eventually(() => logged.find((line) => line.includes(`"event":"${event}"`)));
}

/** By the `event` of the line that each causes. */
const triggers: Record<string, (gateway: GatewayFixture) => Promise<unknown>> = {
  async handshake_failed(gateway) {
    const { key } = await gateway.addKey();
    await breakReads(gateway, "api_keys");
    gateway.connect({ auth: { apiKey: key } });
  },
  async key_recheck_failed(gateway) {
    const client = await gateway.connectAdmin();
    await eventually(() => client.names().includes("authenticated"));
    await breakReads(gateway, "api_keys");
  },
  async request_failed(gateway) {
    const channelId = await gateway.addChannel();
    const client = await gateway.connectAdmin();
    await breakReads(gateway, "channels");
    await client.ask("subscribe_channel", { channelId });
  },
  async feed_sweep_failed(gateway) {
    const channelId = await gateway.addChannel();
    const client = await gateway.connectAdmin();
    await client.ask("subscribe_channel", { channelId });
    await breakReads(gateway, "channels");
  },
  async channel_read_failed(gateway) {
    const channelId = await gateway.addChannel();
    const client = await gateway.connectAdmin();
    await client.ask("subscribe_channel", { channelId });
    await breakReads(gateway, "events");
    // The events before it are still to be read.
    const [ord, timestamp] = [new Timestamp({ t: 1, i: 1 }), new Date()];
    const last = { _id: newEventId(), channelId, seq: 9, ord, type: "incoming_message", timestamp, data: {} };
    gateway.changes.eventsAppended([last]);
  },
  async replay_failed(gateway) {
    const channelId = await gateway.addChannel();
    await gateway.addMessages(channelId, 1, 3);
    const [live, late] = [await gateway.connectAdmin(), await gateway.connectAdmin()];
    await live.ask("subscribe_channel", { channelId });
    await breakReads(gateway, "events");
    await late.ask("subscribe_channel", { channelId, after: 1 });
  },
  async socket_error(gateway) {
    const client = gateway.connect();
    client.socket.emit("error", phoneNumber);
    client.socket.emit("error", { name: phoneNumber, message: phoneNumber, stack: `at ${phoneNumber}` });
  },
};

test.each(Object.entries(triggers))(
  "the log line of %s does not contain the error's message",
  async (event, trigger) => {
    // Long enough that no recheck runs while a collection is being replaced.
    await using gateway = await GatewayFixture.start({ limits: { recheckMs: 1_500, sweepMs: 50 } });
    await trigger(gateway);
    await logLine(gateway, event);
    expect(gateway.logged.join("")).not.toContain(phoneNumber);
  },
);
