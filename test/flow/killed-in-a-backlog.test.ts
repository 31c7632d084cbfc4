import { expect, test } from "vitest";
import { cleanCounts } from "../support/clean-counts.ts";
import { eventually } from "../support/eventually.ts";
import { killedReceiver, patient } from "./killed-receiver.fixture.ts";

const system = killedReceiver("15550100093");
const texts = (count: number) => Array.from({ length: count }, (_, index) => `text ${index}`);

test.each([
  ["decrypted", "15550100621"],
  ["receipted", "15550100622"],
] as const)(
  "each message of a backlog is published once, in order, when the connector is killed in the middle of it (%s)",
  { timeout: 180_000 },
  async (point, contactNumber) => {
    const contact = system.contact(contactNumber);
    await system.stop();
    const said = texts(20);
    await contact.say(...said);
    const killed = await system.startDying(point);
    expect(await killed.ended).toBeNull();
    // All receipts may have left while the first event was delayed, and events wait for no receipt.
    if (point === "decrypted") expect(system.waiting()).toBeGreaterThan(0);
    else expect((await contact.texts()).length).toBeLessThan(said.length);

    await system.start();
    await contact.hasPublished(said.length);
    expect(await contact.texts()).toEqual(said);
    expect(system.counts()).toMatchObject({ ...cleanCounts, retriesReceived: 0 });
  },
);

test("a connector stopped in the middle of a backlog loses and repeats no message, and the next one clears the journal", {
  timeout: 180_000,
}, async () => {
  const contact = system.contact("15550100623");
  await system.stop();
  const said = texts(60);
  await contact.say(...said);
  await system.start();
  await eventually(async () => (await contact.texts()).length > 0, { ...patient, everyMs: 5 });
  await system.stop();
  const beforehand = (await contact.texts()).length;
  expect(beforehand + Number(system.waiting())).toBe(said.length);
  await system.start();
  await contact.hasPublished(said.length);
  expect(await contact.texts()).toEqual(said);
  expect(system.counts()).toMatchObject({ ...cleanCounts, retriesReceived: 0 });
});

test("a contact can decrypt the next message after the connector was killed with one on the wire", {
  timeout: 180_000,
}, async () => {
  const contact = system.contact("15550100624");
  await contact.isSent("first");
  const killed = await system.arm("sent");
  await contact.isSent("second");
  expect(await killed.ended).toBeNull();
  await system.start();
  await contact.isSent("third");
  expect([...new Set(contact.inbox())]).toEqual(["first", "second", "third"]);
  expect(system.counts()).toMatchObject({ ...cleanCounts, retriesAsked: 0 });
});
