import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect } from "vitest";
import { eventually } from "../support/eventually.ts";
import { pairedChannel, type TestChannel } from "../support/pairing.ts";
import { type ConnectorProcess, type System, startSystem } from "../support/system.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/temporary-folder.ts";
import type { DeathPoint } from "./dies-at.child.ts";

export const patient = { withinMs: 60_000 };

const diesAt = new URL("./dies-at.child.ts", import.meta.url);
const name = "killed";

/**
 * Links one channel for all tests of a file. Each test kills its connector, restarts it under the same name, and leaves it
 * running. A separate contact per test keeps the tests apart.
 */
export function killedReceiver(phoneNumber: string) {
  let system: Awaited<ReturnType<typeof start>>;
  let channel: TestChannel;
  let connector: ConnectorProcess;
  let folder: TemporaryFolder;
  const pointFile = () => join(folder.path, "point");
  const startConnector = (settings: NodeJS.ProcessEnv = {}) =>
    system.start(name, { DIES_AT_FILE: pointFile(), ...settings }, diesAt);
  const start = () => startSystem({ processes: "connectors" });
  const journal = () => ({ channelId: channel.channelId, keyId: /^inbound:/ });
  const journaled = () => system.database.db.collection("whatsapp_auth_keys").countDocuments(journal());
  const waiting = () => channel.phone.devices()[0]?.queued;

  beforeAll(async () => {
    folder = await temporaryFolder();
    system = await start();
    connector = await startConnector();
    channel = await pairedChannel(system, phoneNumber, patient);
    // Wait until the phone's first messages to the new device are handled.
    await eventually(async () => waiting() === 0 && (await journaled()) === 0, patient);
  });
  afterAll(async () => {
    await system?.[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  return {
    /** Rows of the inbound journal. */
    journaled,
    /** Messages that WhatsApp has not delivered to the channel yet. */
    waiting,
    counts: (): object => system.sandbox.counts.snapshot(),
    async start() {
      connector = await startConnector();
    },
    async stop() {
      connector.signal("SIGTERM");
      expect(await connector.ended).toBe(0);
    },
    /** Starts a connector that kills itself when it reaches this point. */
    startDying: (at: DeathPoint) => startConnector({ DIES_AT: at }),
    /** Lets the running connector kill itself when it next reaches this point. */
    async arm(at: DeathPoint) {
      await arm(connector, pointFile(), at);
      return connector;
    },
    contact: (contactNumber: string) => {
      const contact = correspondent(system, channel, contactNumber);
      return {
        ...contact,
        /** Waits until `count` of the contact's messages are published and none is queued or journaled. */
        async hasPublished(count: number) {
          await eventually(async () => (await contact.texts()).length >= count && waiting() === 0, patient);
          await eventually(async () => (await journaled()) === 0, patient);
        },
      };
    },
  };
}

/** Lets a connector that was started with this `DIES_AT_FILE` kill itself when it next reaches this point. */
export async function arm(connector: ConnectorProcess, pointFile: string, at: DeathPoint): Promise<void> {
  await writeFile(pointFile, at);
  connector.signal("SIGUSR2");
  await connector.prints(new RegExp(`^dies at ${at}$`, "m"));
}

/** A contact that writes to the channel and is written to. */
function correspondent(system: System, { channelId, phone }: TestChannel, contactNumber: string) {
  const contact = system.sandbox.account(contactNumber);
  return {
    inbox: () => contact.inbox.map(({ text }) => text),
    /** The texts that the channel published from the contact, in order. */
    async texts() {
      const filter = { channelId, type: "incoming_message", "data.phoneNumber": contactNumber } as const;
      const events = await system.collections.events.find(filter).sort({ seq: 1 }).toArray();
      return events.map(({ data }) => data.message);
    },
    say: async (...said: string[]) => {
      for (const text of said) await contact.sendText(phone.phoneNumber, text);
    },
    /** Sends the contact a message. Its own messages then belong to an established Signal session. */
    async isSent(message: string) {
      const prefer = { Prefer: "respond-async" };
      await system.api().post(`/channels/${channelId}/send`, { to: contactNumber, message }, prefer);
      await contact.waitForMessage(({ text }) => text === message, { timeoutMs: patient.withinMs });
    },
  };
}
