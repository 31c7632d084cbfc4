import type { GroupMetadata } from "@whiskeysockets/baileys";
import { describe, expect, test } from "vitest";
import { proto } from "#connector/baileys/baileys.ts";
import { eventually } from "#test/support/eventually.ts";
import { type Client, faultless, noFaults, textOf } from "../client.fixture.ts";
import { ana, ben, useSandbox } from "../sandbox.fixture.ts";

const cleo = "15550000003";
const fixture = useSandbox();

describe.each(["lid", "pn"] as const)("a group addressed by %s", (addressing) => {
  const founded = (members: string[]) =>
    fixture.sandbox.account(ben).createGroup("Choir", members, addressing).id;

  test("describes itself to its members only", async () => {
    const { sandbox } = fixture;
    const client = await linked(ana);
    const group = founded([ana, cleo]);
    const metadata = await client.socket.groupMetadata(group);
    expect(metadata).toMatchObject({ id: group, subject: "Choir", addressingMode: addressing, size: 3 });
    expect(metadata.participants.map(({ admin }) => admin)).toEqual(["superadmin", null, null]);
    expect(Object.keys(await client.socket.groupFetchAllParticipating())).toEqual([group]);
    const other = sandbox.account(cleo).createGroup("Others", [ben]).id;
    await expect(client.socket.groupMetadata(other)).rejects.toThrow("forbidden");
    await eventually(() => sandbox.account(ana).devices()[0]?.queued === 0);
    expect(faultless(sandbox)).toEqual(noFaults);
  });

  test("carries a contact's messages to a linked client, under a sender key that is sent once", async () => {
    const { sandbox } = fixture;
    const client = await linked(ana);
    const group = founded([ana, cleo]);
    for (const text of ["first", "second", "third"]) await sandbox.account(ben).sendText(group, text);
    await client.receive((message) => textOf(message) === "third");
    const received = client.received.filter(({ message }) => textOf(message));
    expect(received.map(({ message }) => textOf(message))).toEqual(["first", "second", "third"]);
    expect(received[0]?.message.key).toMatchObject({
      remoteJid: group,
      fromMe: false,
      participant: addressing === "lid" ? sandbox.account(ben).lid : `${ben}@s.whatsapp.net`,
    });
    expect(sandbox.account(cleo).inbox).toHaveLength(3);
    await eventually(() => sandbox.account(ana).devices()[0]?.queued === 0);
    expect(sandbox.ledger.incoming().map(({ group, retriesAsked }) => [group, retriesAsked])).toEqual(
      Array(3).fill([group, 0]),
    );
    expect(faultless(sandbox)).toEqual(noFaults);
  });

  test("carries a linked client's messages to every member, and each member's receipts back", async () => {
    const { sandbox } = fixture;
    const client = await linked(ana);
    const group = founded([ana, cleo]);
    const receipts: (string | null | undefined)[] = [];
    client.socket.ev.on("message-receipt.update", (updates) => {
      receipts.push(...updates.map(({ receipt }) => receipt.userJid));
    });
    const ids = [await client.send(group, { text: "one" }), await client.send(group, { text: "two" })];
    for (const person of [ben, cleo]) {
      await sandbox.account(person).waitForMessage(({ text }) => text === "two");
      expect(sandbox.account(person).inbox).toMatchObject([
        { id: ids[0], from: ana, chat: group, to: group, text: "one", copies: 1 },
        { id: ids[1], from: ana, chat: group, to: group, text: "two", copies: 1 },
      ]);
    }
    await eventually(() => new Set(receipts).size === 2 && receipts.length === 4);
    expect(sandbox.ledger.outgoing().map(({ to, group }) => [to, group])).toEqual([
      [ben, group],
      [cleo, group],
      [ben, group],
      [cleo, group],
    ]);
    expect(faultless(sandbox)).toEqual(noFaults);
  });

  test("carries messages and read receipts between linked clients", async () => {
    const { sandbox } = fixture;
    const [one, other] = [await linked(ana), await linked(cleo)];
    const group = founded([ana, cleo]);
    const read: unknown[] = [];
    one.socket.ev.on("message-receipt.update", (updates) => {
      read.push(...updates.filter(({ receipt }) => receipt.readTimestamp));
    });
    const id = await one.send(group, { text: "to all" });
    const arrived = await other.receive((message) => message.key.id === id);
    expect(textOf(arrived)).toBe("to all");
    await other.socket.readMessages([arrived.key]);
    await eventually(() => read.length === 1);
    await other.send(group, { text: "and back" });
    await one.receive((message) => textOf(message) === "and back");
    expect(faultless(sandbox)).toEqual(noFaults);
  });

  test("lets a client that lost the sender key request the message again", async () => {
    const { sandbox } = fixture;
    const client = await linked(ana);
    const group = founded([ana]);
    await sandbox.account(ben).sendText(group, "readable");
    await client.receive((message) => textOf(message) === "readable");
    const user = (addressing === "lid" ? sandbox.account(ben).lid : ben).split("@")[0];
    const name = `${group}::${user}${addressing === "lid" ? "_1" : ""}::0`;
    expect(Object.keys(await client.auth.keys.get("sender-key", [name]))).toEqual([name]);
    await client.auth.keys.set({ "sender-key": { [name]: null } });
    await sandbox.account(ben).sendText(group, "unreadable at first");
    await client.receive((message) => textOf(message) === "unreadable at first");
    expect(sandbox.counts.retriesReceived).toBe(1);
    await sandbox.account(ben).sendText(group, "readable again");
    await client.receive((message) => textOf(message) === "readable again");
    expect(sandbox.counts.retriesReceived).toBe(1);
    await eventually(() => sandbox.ledger.unrepairedDecryptFailures().length === 0);
    expect(faultless(sandbox)).toEqual(noFaults);
  });

  test("lets a contact that lost its keys request the message again", async () => {
    const { sandbox } = fixture;
    const client = await linked(ana);
    const group = founded([ana, cleo]);
    await client.send(group, { text: "readable" });
    await sandbox.account(ben).waitForMessage();
    sandbox.account(ben).forgetSessions();
    const id = await client.send(group, { text: "unreadable at first" });
    await sandbox.account(ben).waitForMessage((message) => message.id === id);
    expect(sandbox.account(cleo).inbox.map(({ text }) => text)).toEqual(["readable", "unreadable at first"]);
    expect(sandbox.ledger.unrepairedDecryptFailures()).toEqual([]);
    expect(sandbox.counts).toMatchObject({ forcedDecryptFailures: 1, reusedRatchetCounters: 0 });
  });
});

test("a client is notified when members join and leave, and a removed member can neither read nor write", async () => {
  const { sandbox } = fixture;
  const client = await linked(ana);
  const group = sandbox.account(ben).createGroup("Choir", [ana]).id;
  await sandbox.account(ben).sendText(group, "before");
  await client.receive((message) => textOf(message) === "before");
  sandbox.account(ben).addToGroup(group, cleo);
  await eventually(() => stubs(client).length === 2);
  await client.send(group, { text: "welcome" });
  await sandbox.account(cleo).waitForMessage(({ text }) => text === "welcome");
  const senderKey = () =>
    JSON.stringify(sandbox.snapshot().people[ben]?.devices[0]?.senderKeys?.[`${group} ${ben}.0`]);
  const keyThatAnaHas = senderKey();
  sandbox.account(ben).removeFromGroup(group, ana);
  await eventually(() => stubs(client).length === 3);
  await sandbox.account(ben).sendText(group, "without you");
  expect(sandbox.account(cleo).inbox.map(({ text }) => text)).toEqual(["welcome", "without you"]);
  expect(JSON.parse(senderKey())[0].senderKeyId).not.toBe(JSON.parse(keyThatAnaHas)[0].senderKeyId);
  await expect(client.send(group, { text: "still there?" })).rejects.toThrow("forbidden");
  expect(client.received.map(({ message }) => textOf(message))).not.toContain("without you");
  expect(() => sandbox.account(ana).addToGroup(group, cleo)).toThrow("is not in group");
});

test("a client that still considers itself a member is refused", async () => {
  const { sandbox } = fixture;
  const known: { metadata?: GroupMetadata } = {};
  const client = fixture.client({ cachedGroupMetadata: async () => known.metadata });
  await client.link(sandbox.account(ana));
  const group = sandbox.account(ben).createGroup("Choir", [ana]).id;
  known.metadata = await client.socket.groupMetadata(group);
  await client.send(group, { text: "as a member" });
  await sandbox.account(ben).waitForMessage();
  sandbox.account(ben).removeFromGroup(group, ana);
  const id = await client.send(group, { text: "as none" });
  await eventually(() => client.statusOf(id).includes(proto.WebMessageInfo.Status.ERROR));
  expect(sandbox.ledger.outgoing().find((record) => record.id === id)).toMatchObject({
    copies: 0,
    refusedWith: 403,
  });
  expect(sandbox.account(ben).inbox.map(({ text }) => text)).toEqual(["as a member"]);
});

test("receipts of several members for one message each wait for an offline client", async () => {
  const { sandbox } = fixture;
  const client = await linked(ana);
  const group = sandbox.account(ben).createGroup("Choir", [ana, cleo]).id;
  const id = await client.send(group, { text: "read it later" });
  for (const person of [ben, cleo]) await sandbox.account(person).waitForMessage();
  await eventually(() => sandbox.account(ana).devices()[0]?.queued === 0);
  await client.hangUp();
  for (const person of [ben, cleo]) sandbox.account(person).markRead(id);
  expect(sandbox.account(ana).devices()[0]?.queued).toBe(2);
  await client.open();
  await eventually(() => sandbox.account(ana).devices()[0]?.queued === 0);
});

test("a rolled-back sender key ratchet is detected", async () => {
  const { sandbox } = fixture;
  const client = await linked(ana);
  const group = sandbox.account(ben).createGroup("Choir", [ana]).id;
  await client.send(group, { text: "first" });
  await sandbox.account(ben).waitForMessage();
  const user = sandbox.account(ana).lid.split("@")[0];
  const name = `${group}::${user}_1::1`;
  const old = await client.auth.keys.get("sender-key", [name]);
  expect(Object.keys(old)).toEqual([name]);
  await client.send(group, { text: "second" });
  await sandbox.account(ben).waitForMessage(({ text }) => text === "second");
  expect(sandbox.counts.reusedRatchetCounters).toBe(0);
  await client.auth.keys.set({ "sender-key": old });
  await client.send(group, { text: "third" });
  await eventually(() => sandbox.counts.reusedRatchetCounters === 1);
});

async function linked(phoneNumber: string): Promise<Client> {
  const client = fixture.client();
  await client.link(fixture.sandbox.account(phoneNumber));
  return client;
}

/** Group notifications, as Baileys stores them. */
const stubs = (client: Client): unknown[] =>
  client.received.flatMap(({ message }) => message.messageStubType ?? []);
