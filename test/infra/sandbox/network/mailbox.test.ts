import { expect, test } from "vitest";
import { eventually } from "#test/support/eventually.ts";
import { faultless, noFaults, textOf } from "../client.fixture.ts";
import { ana, ben, useSandbox } from "../sandbox.fixture.ts";

const fixture = useSandbox();

test("messages for an offline client wait for it and are marked as offline", async () => {
  const { sandbox } = fixture;
  const client = fixture.client();
  await client.link(sandbox.account(ana));
  await client.hangUp();
  await sandbox.account(ben).sendText(ana, "while you were away");
  await sandbox.account(ben).sendText(ana, "and again");
  expect(sandbox.account(ana).devices()[0]?.queued).toBeGreaterThanOrEqual(2);
  await client.open();
  await client.receive((message) => textOf(message) === "and again");
  const texts = client.received.map(({ message, type }) => [textOf(message), type]);
  expect(texts).toEqual([
    ["while you were away", "append"],
    ["and again", "append"],
  ]);
  await eventually(() => sandbox.account(ana).devices()[0]?.queued === 0);
  expect(faultless(sandbox)).toEqual(noFaults);
});

test("an unacknowledged message is sent again at the next login", async () => {
  const { sandbox } = fixture;
  const client = fixture.client();
  await client.link(sandbox.account(ana));
  // Its receipts are lost, as on a connection that is cut at the wrong moment.
  const { socket } = client.socket.ws as unknown as {
    socket: { send: (bytes: unknown, done: () => void) => void };
  };
  socket.send = (_bytes, done) => done();
  await sandbox.account(ben).sendText(ana, "taken, not confirmed");
  await client.receive((message) => textOf(message) === "taken, not confirmed");
  expect(sandbox.account(ana).devices()[0]?.queued).toBe(1);
  sandbox.faults.drop(ana);
  await eventually(() => client.closes.length > 1);
  await client.open();
  await eventually(() => sandbox.account(ana).devices()[0]?.queued === 0);
});

test("receipts for an offline client are not lost", async () => {
  const { sandbox } = fixture;
  const client = fixture.client();
  await client.link(sandbox.account(ana));
  const id = await client.send(`${ben}@s.whatsapp.net`, { text: "read it later" });
  await sandbox.account(ben).waitForMessage();
  await client.hangUp();
  sandbox.account(ben).markRead(id);
  await client.open();
  await eventually(() => client.statusOf(id).includes(4));
});

test("a client is notified of a contact's new device, and encrypts for it", async () => {
  const { sandbox } = fixture;
  const client = fixture.client();
  const contact = sandbox.account(ben);
  await client.link(sandbox.account(ana));
  await client.send(`${ben}@s.whatsapp.net`, { text: "one device" });
  await contact.waitForMessage();
  const tablet = contact.addDevice();
  await eventually(() => sandbox.account(ana).devices()[0]?.queued === 0);
  const id = await client.send(`${ben}@s.whatsapp.net`, { text: "two devices" });
  await eventually(() => contact.inbox.find((message) => message.id === id)?.deviceIds.includes(tablet));
  expect(contact.inbox.at(-1)).toMatchObject({ copies: 1, deviceIds: [0, tablet] });
  contact.removeDevice(tablet);
  await eventually(() => sandbox.account(ana).devices()[0]?.queued === 0);
  await client.send(`${ben}@s.whatsapp.net`, { text: "one again" });
  await contact.waitForMessage(({ text }) => text === "one again");
  expect(faultless(sandbox)).toEqual(noFaults);
});

test("a client is notified when its own phone links another device, and when that is unlinked", async () => {
  const { sandbox } = fixture;
  const [one, other] = [fixture.client(), fixture.client()];
  await one.link(sandbox.account(ana));
  await one.send(`${ben}@s.whatsapp.net`, { text: "knows one device" });
  await sandbox.account(ben).waitForMessage();
  const { deviceId } = await other.link(sandbox.account(ana));
  await eventually(() => sandbox.account(ana).devices()[0]?.queued === 0);
  const id = await one.send(`${ben}@s.whatsapp.net`, { text: "for the new one too" });
  await other.receive((message) => message.key.id === id);
  await sandbox.account(ana).unlink(deviceId);
  await eventually(() => sandbox.account(ana).devices()[0]?.queued === 0);
  await one.send(`${ben}@s.whatsapp.net`, { text: "alone again" });
  await sandbox.account(ben).waitForMessage(({ text }) => text === "alone again");
  expect(faultless(sandbox)).toEqual(noFaults);
});

test("a client is notified when a contact links a device, which then gets the next message", async () => {
  const { sandbox } = fixture;
  const [one, other] = [fixture.client(), fixture.client()];
  await one.link(sandbox.account(ana));
  await one.send(`${ben}@s.whatsapp.net`, { text: "phone only" });
  await sandbox.account(ben).waitForMessage();
  await other.link(sandbox.account(ben));
  await eventually(() => sandbox.account(ana).devices()[0]?.queued === 0);
  const id = await one.send(`${ben}@s.whatsapp.net`, { text: "phone and desk" });
  await other.receive((message) => message.key.id === id);
  expect(sandbox.account(ben).inbox.at(-1)).toMatchObject({ id, copies: 1 });
  expect(faultless(sandbox)).toEqual(noFaults);
});
