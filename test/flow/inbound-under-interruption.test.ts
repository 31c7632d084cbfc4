import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { cleanCounts } from "../support/clean-counts.ts";
import { eventually } from "../support/eventually.ts";
import { pairedChannel } from "../support/pairing.ts";
import { startSystem } from "../support/system.ts";

const phone = "15550100061";
const contacts = ["15550100062", "15550100063", "15550100064"];
const perContact = 80;

test("messages that arrive through restarts and lost connections are published once each, in order", {
  timeout: 180_000,
}, async () => {
  await using system = await startSystem({ timings: { backoff: { baseMs: 50, maxMs: 200 } } });
  const channel = await pairedChannel(system, phone);
  const sent = Array.from({ length: perContact }, (_, index) => `text ${index}`);
  const sendAll = async (contact: string) => {
    for (const text of sent) {
      await system.sandbox.account(contact).sendText(phone, text);
      await sleep(25);
    }
  };
  const interruptAll = async () => {
    for (const act of [drop, restart, drop, restart, drop]) {
      await sleep(250);
      await act();
      await channel.becomes("active");
    }
  };
  const drop = async () => system.sandbox.faults.drop(phone);
  const restart = async () => {
    await system.stop();
    await system.start();
  };
  await Promise.all([interruptAll(), ...contacts.map(sendAll)]);

  const published = async () => {
    const events = await system.collections.events
      .find({ channelId: channel.channelId, type: "incoming_message" })
      .sort({ seq: 1 })
      .toArray();
    const textsOf = (contact: string) =>
      events.filter(({ data }) => data.phoneNumber === contact).map(({ data }) => data.message);
    return contacts.map(textsOf);
  };
  const waiting = () => channel.phone.devices()[0]?.queued;
  await eventually(
    async () => waiting() === 0 && (await published()).flat().length >= sent.length * contacts.length,
    {
      withinMs: 60_000,
    },
  ).catch(() => undefined);
  expect(await published()).toEqual(contacts.map(() => sent));
  expect(system.sandbox.counts.snapshot()).toMatchObject(cleanCounts);
  const journal = { channelId: channel.channelId, keyId: /^inbound:/ };
  await eventually(
    async () => (await system.database.db.collection("whatsapp_auth_keys").countDocuments(journal)) === 0,
  );
});

test("a message that its sender encrypts and sends again under the same id is published once", {
  timeout: 120_000,
}, async () => {
  await using system = await startSystem();
  const channel = await pairedChannel(system, phone);
  const [contact = ""] = contacts;
  const published = () =>
    system.collections.events.find({ channelId: channel.channelId, type: "incoming_message" }).toArray();
  const say = (id: string) => system.sandbox.account(contact).sendText(phone, `text ${id}`, { id });
  for (const id of ["3EB0A", "3EB0A", "3EB0B"]) await say(id);
  await eventually(async () => (await published()).length >= 2 && channel.phone.devices()[0]?.queued === 0);
  system.sandbox.faults.drop(phone);
  for (const id of ["3EB0A", "3EB0B", "3EB0C"]) await say(id);
  await eventually(async () => (await published()).length >= 3 && channel.phone.devices()[0]?.queued === 0);
  expect((await published()).map(({ data }) => data.messageId)).toEqual(["3EB0A", "3EB0B", "3EB0C"]);
  expect(system.sandbox.counts.snapshot()).toMatchObject({ ...cleanCounts, retriesReceived: 0 });
});
