import { afterAll, beforeAll, expect } from "vitest";
import { eventually } from "../support/eventually.ts";
import { pairedChannel, type TestChannel } from "../support/pairing.ts";
import { type ConnectorProcess, startSystem } from "../support/system.ts";
import type { DeathPoint } from "./dies-at.child.ts";

export const patient = { withinMs: 30_000 };

const diesAt = new URL("./dies-at.child.ts", import.meta.url);
const name = "killed";

/**
 * A linked channel for the tests of one file, one after the other. Its connector, which each test stops, kills and
 * starts again under the same name, runs between them. A contact of its own per test keeps the tests apart.
 */
export function killedReceiver(phoneNumber: string) {
  let system: Awaited<ReturnType<typeof start>>;
  let channel: TestChannel;
  let connector: ConnectorProcess;
  const start = () => startSystem({ processes: "connectors" });
  const journal = () => ({ channelId: channel.channelId, keyId: /^inbound:/ });
  const journaled = () => system.database.db.collection("whatsapp_auth_keys").countDocuments(journal());
  const waiting = () => channel.phone.devices()[0]?.queued;

  beforeAll(async () => {
    system = await start();
    connector = await system.start(name);
    channel = await pairedChannel(system, phoneNumber, patient);
    // The phone's first messages to a new device have been handled.
    await eventually(async () => waiting() === 0 && (await journaled()) === 0, patient);
  });
  afterAll(() => system?.[Symbol.asyncDispose]());

  return {
    /** Rows of the inbound journal. */
    journaled,
    /** Messages that WhatsApp has not delivered to the channel yet. */
    waiting,
    counts: (): object => system.sandbox.counts.snapshot(),
    async start() {
      connector = await system.start(name);
    },
    async stop() {
      connector.signal("SIGTERM");
      expect(await connector.ended).toBe(0);
    },
    /** Starts a connector that kills itself when it passes this point, the `after`th time if given. */
    startDying: (at: DeathPoint, after = 1) =>
      system.start(name, { DIES_AT: at, DIES_AFTER: String(after) }, diesAt),
    contact: (contactNumber: string) => {
      const contact = system.sandbox.account(contactNumber);
      const texts = async () => {
        const { channelId } = channel;
        const filter = { channelId, type: "incoming_message", "data.phoneNumber": contactNumber } as const;
        const events = await system.collections.events.find(filter).sort({ seq: 1 }).toArray();
        return events.map(({ data }) => data.message);
      };
      return {
        inbox: () => contact.inbox.map(({ text }) => text),
        /** What the channel published of the contact's messages, in order. */
        texts,
        say: async (...said: string[]) => {
          for (const text of said) await contact.sendText(phoneNumber, text);
        },
        /** Sends the contact a message, after which its own are no longer first ones. */
        async isSent(message: string) {
          const prefer = { Prefer: "respond-async" };
          await system
            .api()
            .post(`/channels/${channel.channelId}/send`, { to: contactNumber, message }, prefer);
          await contact.waitForMessage(({ text }) => text === message, { timeoutMs: patient.withinMs });
        },
        /** Waits until so many of the contact's messages are published, and nothing waits or is journaled. */
        async hasPublished(count: number) {
          await eventually(async () => (await texts()).length >= count && waiting() === 0, patient);
          await eventually(async () => (await journaled()) === 0, patient);
        },
      };
    },
  };
}
