import { expect, test } from "vitest";
import { proto } from "#connector/baileys/baileys.ts";
import { eventually } from "#test/support/eventually.ts";
import { faultless, noFaults, textOf } from "./client.fixture.ts";
import { ana, ben, useSandbox } from "./sandbox.fixture.ts";

const fixture = useSandbox();

test("a text reaches the contact under its id, is acknowledged, delivered and read", async () => {
  const { sandbox } = fixture;
  const client = fixture.client();
  await client.link(sandbox.account(ana));
  const id = await client.send(`${ben}@s.whatsapp.net`, { text: "hello" });
  const message = await sandbox.account(ben).waitForMessage();
  expect(message).toMatchObject({ id, from: ana, text: "hello", copies: 1, fromMe: false, deviceId: 0 });
  await eventually(() => client.statusOf(id).includes(3));
  sandbox.account(ben).markRead(id);
  await eventually(() => client.statusOf(id).includes(4));
  await eventually(() => sandbox.account(ana).inbox.length > 0);
  expect(sandbox.account(ana).inbox).toMatchObject([{ id, fromMe: true, chat: ben, text: "hello" }]);
  expect(faultless(sandbox)).toEqual(noFaults);
});

test("a text to a LID is received and reported under that LID", async () => {
  const { sandbox } = fixture;
  const client = fixture.client();
  await client.link(sandbox.account(ana));
  const contact = sandbox.account(ben);
  const id = await client.send(contact.lid, { text: "to your LID" });
  expect(await contact.waitForMessage()).toMatchObject({ id, text: "to your LID", to: contact.lid });
  await eventually(() => client.statusOf(id).includes(3));
  expect(client.updates.find(({ key }) => key.id === id)?.key.remoteJid).toBe(contact.lid);
  expect(faultless(sandbox)).toEqual(noFaults);
});

test("a LID that belongs to no one is refused, even if a number has the same digits", async () => {
  const { sandbox } = fixture;
  const client = fixture.client();
  await client.link(sandbox.account(ana));
  await client.send(`${ben}@s.whatsapp.net`, { text: "to your number" });
  for (const lid of ["4242@lid", `${ben}@lid`]) {
    const id = await client.send(lid, { text: "to nobody" });
    await eventually(() => client.statusOf(id).includes(proto.WebMessageInfo.Status.ERROR));
  }
  expect(sandbox.account(ben).inbox.map(({ text }) => text)).toEqual(["to your number"]);
  expect(sandbox.account(ana).inbox.map(({ text }) => text)).toEqual(["to your number"]);
  expect(faultless(sandbox)).toEqual(noFaults);
});

test("a contact's text arrives, by number and by LID", async () => {
  const { sandbox } = fixture;
  const client = fixture.client();
  await client.link(sandbox.account(ana));
  const contact = sandbox.account(ben);
  await contact.sendText(ana, "by number");
  const first = await client.receive((message) => textOf(message) === "by number");
  expect(first.key).toMatchObject({ remoteJid: `${ben}@s.whatsapp.net`, remoteJidAlt: contact.lid });
  await contact.sendText(ana, "by LID", { addressing: "lid", pushName: "Benny" });
  const second = await client.receive((message) => textOf(message) === "by LID");
  expect(second.key).toMatchObject({ remoteJid: contact.lid, remoteJidAlt: `${ben}@s.whatsapp.net` });
  expect(second.pushName).toBe("Benny");
  await eventually(() => contact.receipts.length === 2);
  await eventually(() => sandbox.account(ana).devices()[0]?.queued === 0);
  expect(faultless(sandbox)).toEqual(noFaults);
});

test("a conversation back and forth keeps both ratchets in step", async () => {
  const { sandbox } = fixture;
  const client = fixture.client();
  await client.link(sandbox.account(ana));
  const contact = sandbox.account(ben);
  for (let turn = 0; turn < 10; turn += 1) {
    await client.send(`${ben}@s.whatsapp.net`, { text: `ask ${turn}` });
    await contact.waitForMessage(({ text }) => text === `ask ${turn}`);
    await contact.sendText(ana, `answer ${turn}`);
    await client.receive((message) => textOf(message) === `answer ${turn}`);
  }
  expect(contact.inbox.map(({ text }) => text)).toEqual(
    Array.from({ length: 10 }, (_, turn) => `ask ${turn}`),
  );
  expect(faultless(sandbox)).toEqual(noFaults);
});

test("texts that a person writes in quick succession arrive in that order", async () => {
  const { sandbox } = fixture;
  const client = fixture.client();
  await client.link(sandbox.account(ana));
  const texts = Array.from({ length: 20 }, (_, index) => `line ${index}`);
  await Promise.all(texts.map((text) => sandbox.account(ben).sendText(ana, text)));
  await client.receive((message) => textOf(message) === "line 19");
  expect(
    client.received.map(({ message }) => textOf(message)).filter((text) => text?.startsWith("line")),
  ).toEqual(texts);
  expect(faultless(sandbox)).toEqual(noFaults);
});

test("a number that is not on WhatsApp is not found, every other number is", async () => {
  const { sandbox } = fixture;
  const client = fixture.client();
  await client.link(sandbox.account(ana));
  sandbox.notOnWhatsApp("15559999999");
  const found = await client.socket.onWhatsApp("15559999999", ben);
  expect(found).toEqual([{ jid: `${ben}@s.whatsapp.net`, exists: true }]);
  expect(faultless(sandbox)).toEqual(noFaults);
});

test("a number that is registered as another is found under that one, and names nobody itself", async () => {
  const { sandbox } = fixture;
  const client = fixture.client();
  await client.link(sandbox.account(ana));
  const [dialled, registered] = ["5511955509999", "551155509999"];
  sandbox.registeredAs(dialled, registered);
  const jid = `${registered}@s.whatsapp.net`;
  expect(await client.socket.onWhatsApp(dialled)).toEqual([{ jid, exists: true }]);
  const devicesOf = (number: string) =>
    client.socket.getUSyncDevices([`${number}@s.whatsapp.net`], false, false);
  expect(await devicesOf(dialled)).toEqual([]);
  expect(await devicesOf(registered)).toMatchObject([{ user: registered, device: 0 }]);
  expect(faultless(sandbox)).toEqual(noFaults);
});

test("a number without devices is found, and names none until that is switched off", async () => {
  const { sandbox } = fixture;
  const client = fixture.client();
  await client.link(sandbox.account(ana));
  const found = async () => [
    (await client.socket.onWhatsApp(ben))?.[0]?.exists,
    (await client.socket.getUSyncDevices([`${ben}@s.whatsapp.net`], false, false)).length,
  ];
  sandbox.withoutDevices(ben, true);
  expect(await found()).toEqual([true, 0]);
  sandbox.withoutDevices(ben, false);
  expect(await found()).toEqual([true, 1]);
  expect(faultless(sandbox)).toEqual(noFaults);
});

test("a message written on the phone appears on the linked client as its own", async () => {
  const { sandbox } = fixture;
  const client = fixture.client();
  await client.link(sandbox.account(ana));
  await sandbox.account(ana).sendText(ben, "from my phone");
  const message = await client.receive((candidate) => textOf(candidate) === "from my phone");
  expect(message.key).toMatchObject({ fromMe: true, remoteJid: `${ben}@s.whatsapp.net` });
  expect(sandbox.account(ben).inbox).toMatchObject([{ text: "from my phone", from: ana }]);
  expect(faultless(sandbox)).toEqual(noFaults);
});

test("two linked accounts write to each other, and get delivery and read receipts", async () => {
  const { sandbox } = fixture;
  const [one, other] = [fixture.client(), fixture.client()];
  await one.link(sandbox.account(ana));
  await other.link(sandbox.account(ben));
  const id = await one.send(`${ben}@s.whatsapp.net`, { text: "channel to channel" });
  const arrived = await other.receive((message) => message.key.id === id);
  expect(textOf(arrived)).toBe("channel to channel");
  await eventually(() => one.statusOf(id).includes(3));
  await other.socket.readMessages([arrived.key]);
  await eventually(() => one.statusOf(id).includes(4));
  await other.send(`${ana}@s.whatsapp.net`, { text: "and back" });
  await one.receive((message) => textOf(message) === "and back");
  expect(faultless(sandbox)).toEqual(noFaults);
});

test("two clients of one account see each other's messages", async () => {
  const { sandbox } = fixture;
  const [one, other] = [fixture.client(), fixture.client()];
  await one.link(sandbox.account(ana));
  await other.link(sandbox.account(ana));
  const id = await one.send(`${ben}@s.whatsapp.net`, { text: "seen twice" });
  const copy = await other.receive((message) => message.key.id === id);
  expect(copy.key).toMatchObject({ fromMe: true, remoteJid: `${ben}@s.whatsapp.net` });
  expect(faultless(sandbox)).toEqual(noFaults);
});
