import { expect, test } from "vitest";
import { eventually } from "#test/support/eventually.ts";
import { type Client, faultless, noFaults, textOf } from "../client.fixture.ts";
import { ana, ben, useSandbox } from "../sandbox.fixture.ts";

const fixture = useSandbox();
const to = `${ben}@s.whatsapp.net`;

test("a linked device's message is recorded from the wire to the reader and back", async () => {
  const { sandbox } = fixture;
  const client = await linked();
  const first = await client.send(to, { text: "first" });
  const second = await client.send(to, { text: "second" });
  await eventually(() => sandbox.account(ben).inbox.length === 2);
  sandbox.account(ben).markRead(first);
  expect(sandbox.ledger.outgoing()).toMatchObject([
    {
      number: 1,
      id: first,
      from: ana,
      deviceId: 1,
      to: ben,
      text: "first",
      copies: 1,
      order: 1,
      shownOrder: 1,
    },
    {
      number: 2,
      id: second,
      from: ana,
      to: ben,
      text: "second",
      copies: 1,
      resent: 0,
      order: 2,
      shownOrder: 2,
    },
  ]);
  expect(sandbox.ledger.outgoing()[0]?.receipts.map(({ type }) => type)).toEqual(["delivered", "read"]);
  expect(faultless(sandbox)).toEqual(noFaults);
});

test("two stanzas with one id are one message in two copies, shown once", async () => {
  const { sandbox } = fixture;
  const client = await linked();
  for (const _ of [1, 2]) await client.socket.sendMessage(to, { text: "again" }, { messageId: "SAME" });
  await eventually(() => sandbox.ledger.outgoing()[0]?.copies === 2);
  expect(sandbox.ledger.outgoing()).toMatchObject([{ id: "SAME", copies: 2, resent: 0, shownOrder: 1 }]);
  expect(sandbox.account(ben).inbox).toHaveLength(1);
});

test("a refused message is recorded as never arrived", async () => {
  const { sandbox } = fixture;
  const client = await linked();
  sandbox.faults.ackError(ana, 463, { times: 1 });
  await client.send(to, { text: "refused" });
  await eventually(() => sandbox.ledger.outgoing().length === 1);
  expect(sandbox.ledger.outgoing()).toMatchObject([
    { copies: 0, refused: 1, refusedWith: 463, arrivedAt: null, shownAt: null, order: null },
  ]);
});

test("a requested copy counts as resent, not as a second copy, and repairs the failure", async () => {
  const { sandbox } = fixture;
  const client = await linked();
  await confirmSession(client);
  sandbox.account(ben).forgetSessions();
  const id = await client.send(to, { text: "unreadable at first" });
  await sandbox.account(ben).waitForMessage((message) => message.id === id);
  const key = { id, from: ana, to: ben };
  expect(sandbox.ledger.outgoing().find((record) => record.id === id)).toMatchObject({
    ...key,
    copies: 1,
    resent: 1,
    retriesAsked: 1,
  });
  expect(sandbox.ledger.decryptFailures()).toMatchObject([
    { id, from: `${ana}:1`, to: `${ben}:0`, reader: "contact", isForced: true },
  ]);
  expect(sandbox.ledger.unrepairedDecryptFailures()).toEqual([]);
});

test("a decryption failure without a resend stays unrepaired", async () => {
  const { sandbox } = fixture;
  const client = await linked();
  await confirmSession(client);
  client.sent.clear();
  const address = `${sandbox.account(ben).lid.split("@")[0]}_1.0`;
  const old = await client.auth.keys.get("session", [address]);
  await client.send(to, { text: "moves the ratchet" });
  await eventually(() => sandbox.account(ben).inbox.length === 2);
  await client.auth.keys.set({ session: old });
  sandbox.faults.ignoreQuery("encrypt", { times: 100 });
  await client.send(to, { text: "rolled back" });
  await eventually(() => sandbox.ledger.unrepairedDecryptFailures().length === 1);
});

test("a message for a linked device is recorded until the device confirms it", async () => {
  const { sandbox } = fixture;
  const client = await linked();
  await client.hangUp();
  const { id } = await sandbox.account(ben).sendText(ana, "later");
  expect(sandbox.ledger.incoming()).toMatchObject([
    {
      id,
      from: ben,
      to: ana,
      deviceId: 1,
      deliveries: 0,
      deliveredAt: null,
      confirmedAt: null,
      isOwn: false,
    },
  ]);
  await client.open();
  await eventually(() => sandbox.ledger.incoming()[0]?.confirmedAt);
  expect(sandbox.ledger.incoming()[0]).toMatchObject({ deliveries: 1, retriesAsked: 0 });
});

test("a linked device's retry request is a failure, which its decryption repairs", async () => {
  const { sandbox } = fixture;
  const client = await linked();
  await confirmSession(client);
  const user = sandbox.account(ben).lid.split("@")[0];
  await client.auth.keys.set({ session: { [`${user}_1.0`]: null } });
  const { id } = await sandbox.account(ben).sendText(ana, "unreadable at first");
  await client.receive((message) => textOf(message) === "unreadable at first");
  await eventually(() => sandbox.ledger.unrepairedDecryptFailures().length === 0);
  expect(sandbox.ledger.decryptFailures()).toMatchObject([{ id, to: `${ana}:1`, reader: "linked" }]);
  expect(sandbox.ledger.incoming().find((record) => record.id === id)).toMatchObject({ retriesAsked: 1 });
});

test("every socket is recorded from its upgrade to its end", async () => {
  const { sandbox } = fixture;
  const client = await linked();
  sandbox.faults.drop(ana);
  await client.closed(428);
  await client.open();
  await client.hangUp();
  await eventually(() => sandbox.ledger.sockets().every(({ endedAt }) => endedAt !== null));
  expect(sandbox.ledger.sockets()).toMatchObject([
    { phoneNumber: null, loggedInAt: null, reason: "515" },
    { phoneNumber: ana, deviceId: 1, reason: "drop" },
    { phoneNumber: ana, deviceId: 1, reason: "client" },
  ]);
  for (const { openedAt, endedAt, remotePort } of sandbox.ledger.sockets()) {
    expect(endedAt).toBeGreaterThanOrEqual(openedAt);
    expect(remotePort).toBeGreaterThan(0);
  }
  expect(sandbox.ledger.overlaps()).toEqual([]);
});

test("two simultaneous sockets of one device are an overlap, and later stanzas of the former are dropped", async () => {
  const { sandbox } = fixture;
  const client = await linked();
  const zombie = client.socket;
  await client.send(to, { text: "knows the way" });
  // Like a process that was stopped and continues: it learns late that it was replaced.
  const { socket } = zombie.ws as unknown as { socket: { _socket: { pause(): void; resume(): void } } };
  socket._socket.pause();
  client.connect();
  await client.opened();
  await zombie.sendMessage(to, { text: "too late" });
  expect(sandbox.ledger.overlaps()).toMatchObject([
    { phoneNumber: ana, deviceId: 1, former: { reason: "replaced" }, next: { endedAt: null } },
  ]);
  await eventually(() => (sandbox.ledger.overlaps()[0]?.former.heardAfterEnd ?? 0) > 0);
  socket._socket.resume();
  await client.closed(440);
  expect(sandbox.account(ben).inbox.map(({ text }) => text)).toEqual(["knows the way"]);
  expect(sandbox.ledger.outgoing()).toHaveLength(1);
});

test("the record of a device totals its messages, logins and failures", async () => {
  const { sandbox } = fixture;
  const client = await linked();
  await client.send(to, { text: "one" });
  await sandbox.account(ben).waitForMessage();
  await sandbox.account(ben).sendText(ana, "two");
  await client.receive((message) => textOf(message) === "two");
  await eventually(() => sandbox.ledger.devices()[0]?.confirmed === 1);
  expect(sandbox.ledger.devices()).toMatchObject([
    {
      phoneNumber: ana,
      deviceId: 1,
      isConnected: true,
      logins: 1,
      sent: 1,
      copies: 1,
      received: 1,
      unreadable: 0,
    },
  ]);
  expect(sandbox.ledger.forgotten()).toBe(0);
});

test("the ledger can be read over HTTP, filtered by number and in pages", async () => {
  const { sandbox } = fixture;
  const client = await linked();
  const ids = [await client.send(to, { text: "one" }), await client.send(to, { text: "two" })];
  await eventually(() => sandbox.account(ben).inbox.length === 2);
  const read = async (path: string) =>
    (await (await fetch(`${sandbox.adminUrl}/api/ledger/${path}`)).json()) as { payload: { id: string }[] };
  expect((await read(`outgoing?from=${ana}&after=1`)).payload).toMatchObject([{ id: ids[1] }]);
  expect((await read("outgoing?limit=1")).payload).toMatchObject([{ id: ids[0] }]);
  expect((await read(`outgoing?to=${ana}`)).payload).toEqual([]);
  expect((await read("incoming")).payload).toEqual([]);
  expect((await read(`sockets?phoneNumber=${ana}`)).payload).toHaveLength(1);
  expect((await read("devices")).payload).toMatchObject([{ phoneNumber: ana, sent: 2 }]);
  expect((await read("trouble")).payload).toMatchObject({ overlaps: [], unrepairedDecryptFailures: [] });
});

async function linked(): Promise<Client> {
  const client = fixture.client();
  await client.link(fixture.sandbox.account(ana));
  return client;
}

/** Exchanges messages until both sides have a confirmed session. */
async function confirmSession(client: Client): Promise<void> {
  const contact = fixture.sandbox.account(ben);
  await client.send(to, { text: "first" });
  await contact.waitForMessage(({ text }) => text === "first");
  await contact.sendText(ana, "settles the session");
  await client.receive((message) => textOf(message) === "settles the session");
}
