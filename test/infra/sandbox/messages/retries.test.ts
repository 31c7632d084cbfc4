import { expect, test } from "vitest";
import { eventually } from "#test/support/eventually.ts";
import { faultless, noFaults, textOf } from "../client.fixture.ts";
import { ana, ben, useSandbox } from "../sandbox.fixture.ts";

const fixture = useSandbox();
const to = `${ben}@s.whatsapp.net`;

test("a contact that lost its session requests the message again and decrypts the second copy", async () => {
  const { sandbox } = fixture;
  const client = fixture.client();
  const contact = sandbox.account(ben);
  await client.link(sandbox.account(ana));
  await client.send(to, { text: "first" });
  await contact.waitForMessage(({ text }) => text === "first");
  await contact.sendText(ana, "settles the session");
  await client.receive((message) => textOf(message) === "settles the session");
  contact.forgetSessions();
  const id = await client.send(to, { text: "unreadable at first" });
  const message = await contact.waitForMessage((candidate) => candidate.id === id);
  expect(message).toMatchObject({ text: "unreadable at first" });
  expect(sandbox.counts).toMatchObject({ forcedDecryptFailures: 1, retriesAsked: 1 });
  expect(faultless(sandbox)).toEqual(noFaults);
});

test("a contact's second device requests and gets its own copy again", async () => {
  const { sandbox } = fixture;
  const client = fixture.client();
  const contact = sandbox.account(ben);
  const tablet = contact.addDevice();
  await client.link(sandbox.account(ana));
  await client.send(to, { text: "first" });
  await eventually(() => contact.inbox[0]?.deviceIds.length === 2);
  await contact.sendText(ana, "settles the session");
  await client.receive((message) => textOf(message) === "settles the session");
  contact.forgetSessions();
  const id = await client.send(to, { text: "again" });
  await eventually(() => contact.inbox.find((message) => message.id === id)?.deviceIds.includes(tablet));
  expect(faultless(sandbox)).toEqual(noFaults);
});

test("the account's phone that lost its session requests a linked client's message again", async () => {
  const { sandbox } = fixture;
  const client = fixture.client();
  const account = sandbox.account(ana);
  await client.link(account);
  await client.send(to, { text: "first" });
  await account.waitForMessage(({ text }) => text === "first");
  await account.sendText(ben, "settles the session");
  await client.receive((message) => textOf(message) === "settles the session");
  account.forgetSessions();
  await client.send(to, { text: "unreadable at first" });
  const copy = await account.waitForMessage(({ text }) => text === "unreadable at first");
  expect(copy).toMatchObject({ fromMe: true, chat: ben });
  expect(faultless(sandbox)).toEqual(noFaults);
});

test("a message can be requested again although it was decrypted", async () => {
  const { sandbox } = fixture;
  const client = fixture.client();
  const contact = sandbox.account(ben);
  await client.link(sandbox.account(ana));
  const id = await client.send(to, { text: "twice" });
  await contact.waitForMessage();
  await contact.askRetry(id);
  await eventually(() => contact.inbox[0]?.copies === 2);
  expect(contact.inbox).toHaveLength(1);
  expect(faultless(sandbox)).toEqual(noFaults);
});

test("a client that lost its session requests the contact's message again and decrypts the second copy", async () => {
  const { sandbox } = fixture;
  const client = fixture.client();
  const contact = sandbox.account(ben);
  await client.link(sandbox.account(ana));
  await client.send(to, { text: "first" });
  await contact.waitForMessage();
  await contact.sendText(ana, "readable");
  await client.receive((message) => textOf(message) === "readable");
  const user = contact.lid.split("@")[0];
  await client.auth.keys.set({ session: { [`${user}_1.0`]: null } });
  await contact.sendText(ana, "unreadable at first");
  await client.receive((message) => textOf(message) === "unreadable at first");
  expect(sandbox.counts.retriesReceived).toBe(1);
  expect(contact.receipts).toContainEqual(expect.objectContaining({ type: "retry", from: ana }));
  await eventually(() => sandbox.account(ana).devices()[0]?.queued === 0);
  expect(faultless(sandbox)).toEqual(noFaults);
});

test("a client's retry request reaches the other client that sent the message", async () => {
  const { sandbox } = fixture;
  const [one, other] = [fixture.client(), fixture.client()];
  await one.link(sandbox.account(ana));
  await other.link(sandbox.account(ben));
  await one.send(to, { text: "first" });
  await other.receive((message) => textOf(message) === "first");
  await other.send(`${ana}@s.whatsapp.net`, { text: "settled" });
  await one.receive((message) => textOf(message) === "settled");
  const user = sandbox.account(ana).lid.split("@")[0];
  await other.auth.keys.set({ session: { [`${user}_1.1`]: null } });
  await one.send(to, { text: "unreadable at first" });
  await other.receive((message) => textOf(message) === "unreadable at first");
  expect(faultless(sandbox)).toEqual(noFaults);
});
