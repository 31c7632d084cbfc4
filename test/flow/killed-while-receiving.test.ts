import { expect, test } from "vitest";
import { cleanCounts } from "../support/clean-counts.ts";
import { connectorsApart } from "../support/connectors.ts";
import { eventually } from "../support/eventually.ts";
import type { DeathPoint } from "./dies-at.child.ts";

const preload = new URL("./dies-at.child.ts", import.meta.url);
const phoneNumber = "15550100091";
const contactNumber = "15550100092";

const patient = { withinMs: 30_000 };

const dying = (at: DeathPoint, after = 1) => ({
  NODE_OPTIONS: `--import=${preload.href}`,
  DIES_AT: at,
  DIES_AFTER: String(after),
});

/** A channel whose connector ran and was stopped, and what was told of it. */
async function paired() {
  await using owned = new AsyncDisposableStack();
  const system = owned.use(await connectorsApart());
  const first = await system.start("killed");
  const channelId = await system.pair(phoneNumber);
  const contact = system.sandbox.account(contactNumber);
  const phone = system.sandbox.account(phoneNumber);
  const stop = async (connector: typeof first) => {
    connector.signal("SIGTERM");
    expect(await connector.ended).toBe(0);
  };
  const texts = async () => {
    const filter = { channelId, type: "incoming_message" as const };
    const events = await system.all.events.find(filter).sort({ seq: 1 }).toArray();
    return events.map(({ data }) => data.message);
  };
  const journal = { channelId, keyId: /^inbound:/ };
  const rows = () => system.database.db.collection("whatsapp_auth_keys").countDocuments(journal);
  // What the phone tells a new device is worked off.
  await eventually(async () => phone.devices()[0]?.queued === 0 && (await rows()) === 0, patient);
  const kept = owned.move();
  return {
    ...{ first, rows, stop, texts, contact, phone },
    start: (settings?: NodeJS.ProcessEnv) => system.start("killed", settings),
    counts: () => system.sandbox.counts.snapshot(),
    waiting: () => phone.devices()[0]?.queued,
    say: async (...said: string[]) => {
      for (const text of said) await contact.sendText(phoneNumber, text);
    },
    /** After a message to it, the contact's own are no longer first ones. */
    async send(message: string) {
      const prefer = { Prefer: "respond-async" };
      await system.api.post(`/channels/${channelId}/send`, { to: contactNumber, message }, prefer);
      await contact.waitForMessage(({ text }) => text === message, { timeoutMs: patient.withinMs });
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

const points: Array<[string, DeathPoint, number]> = [
  ["after the decryption, before the receipt", "decrypted", 1],
  ["after the receipt, before the event", "receipted", 0],
  ["after the event, before the journal is cleared", "told", 0],
];

for (const [where, point, isRedelivered] of points) {
  for (const kind of ["first", "later"] as const) {
    test(`killed ${where}, a ${kind} message of a contact is one event`, { timeout: 90_000 }, async () => {
      await using system = await paired();
      if (kind === "later") await system.send("an answer");
      await system.stop(system.first);
      const dead = await system.start(dying(point));
      await system.say("before");
      expect(await dead.ended).toBeNull();
      expect([await system.rows(), system.waiting()]).toEqual([1, isRedelivered]);

      await system.say("while away");
      await system.start();
      await system.say("afterwards");
      const all = ["before", "while away", "afterwards"];
      await eventually(
        async () => (await system.texts()).length >= all.length && system.waiting() === 0,
        patient,
      );
      await eventually(async () => (await system.rows()) === 0, patient);
      expect(await system.texts()).toEqual(all);
      expect(system.counts()).toMatchObject({ ...cleanCounts, retriesReceived: 0 });
    });
  }
}

test.each(["decrypted", "receipted"] as const)(
  "killed in the middle of a backlog (%s), every message of it is one event, in order",
  {
    timeout: 90_000,
  },
  async (point) => {
    await using system = await paired();
    await system.stop(system.first);
    const said = Array.from({ length: 20 }, (_, index) => `text ${index}`);
    await system.say(...said);
    const killed = await system.start(dying(point, point === "decrypted" ? 7 : 1));
    expect(await killed.ended).toBeNull();
    // All of it may have been confirmed while the first event was held up.
    if (point === "decrypted") expect(system.waiting()).toBeGreaterThan(0);
    expect((await system.texts()).length).toBeLessThan(said.length);

    await system.start();
    await eventually(
      async () => (await system.texts()).length >= said.length && system.waiting() === 0,
      patient,
    );
    await eventually(async () => (await system.rows()) === 0, patient);
    expect(await system.texts()).toEqual(said);
    expect(system.counts()).toMatchObject({ ...cleanCounts, retriesReceived: 0 });
  },
);

test("stopped in the middle of a backlog, nothing is lost or doubled, and the journal is worked off", {
  timeout: 90_000,
}, async () => {
  await using system = await paired();
  await system.stop(system.first);
  const said = Array.from({ length: 60 }, (_, index) => `text ${index}`);
  await system.say(...said);
  const second = await system.start();
  await eventually(async () => (await system.texts()).length > 0, { ...patient, everyMs: 5 });
  await system.stop(second);
  const beforehand = (await system.texts()).length;
  expect(beforehand + Number(system.waiting())).toBe(said.length);
  await system.start();
  await eventually(
    async () => (await system.texts()).length >= said.length && system.waiting() === 0,
    patient,
  );
  await eventually(async () => (await system.rows()) === 0, patient);
  expect(await system.texts()).toEqual(said);
  expect(system.counts()).toMatchObject({ ...cleanCounts, retriesReceived: 0 });
});

test("killed when a message is on the wire, the contact can read the next one", {
  timeout: 90_000,
}, async () => {
  await using system = await paired();
  await system.send("first");
  await system.stop(system.first);
  const killed = await system.start(dying("sent"));
  await system.send("second");
  expect(await killed.ended).toBeNull();
  await system.start();
  await system.send("third");
  expect([...new Set(system.contact.inbox.map(({ text }) => text))]).toEqual(["first", "second", "third"]);
  expect(system.counts()).toMatchObject({ ...cleanCounts, retriesAsked: 0 });
});
