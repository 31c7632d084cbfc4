import type { IncomingMessage } from "node:http";
import { expect, test } from "vitest";
import { eventually } from "#test/support/eventually.ts";
import { faultless, noFaults, textOf } from "../client.fixture.ts";
import { ana, ben, useSandbox } from "../sandbox.fixture.ts";

const fixture = useSandbox();
const to = `${ben}@s.whatsapp.net`;

const endings: [string, number, (phone: string) => void][] = [
  ["a cut connection", 428, (phone) => fixture.sandbox.faults.drop(phone)],
  ["515", 515, (phone) => fixture.sandbox.faults.streamError(phone, 515)],
  ["503", 503, (phone) => fixture.sandbox.faults.streamError(phone, 503)],
  ["500", 500, (phone) => fixture.sandbox.faults.streamError(phone, 500)],
  ["another socket taking over", 440, (phone) => fixture.sandbox.faults.replace(phone)],
  ["a removed device", 401, (phone) => fixture.sandbox.faults.removeDevice(phone)],
];

test.each(endings)("%s reaches the client as %i", async (_name, code, act) => {
  const client = fixture.client();
  await client.link(fixture.sandbox.account(ana));
  act(ana);
  await client.closed(code);
  expect(faultless(fixture.sandbox)).toEqual(noFaults);
});

test.each([401, 402, 403, 405, 503])("one login can fail with %i", async (code) => {
  const { sandbox } = fixture;
  const client = fixture.client();
  await client.link(sandbox.account(ana));
  await client.hangUp();
  sandbox.faults.failLogin(ana, code);
  client.connect();
  await client.closed(code);
  await client.open();
});

test.each([429, 503])(
  "a refused upgrade answers %i and closes, and Baileys emits no event",
  async (status) => {
    const { sandbox } = fixture;
    const client = fixture.client();
    sandbox.faults.refuseUpgrade({ status, retryAfterSeconds: 7, times: 1 });
    client.connect();
    const answer = await new Promise<IncomingMessage>((resolve) =>
      client.socket.ws.on("unexpected-response", (_request: unknown, response: IncomingMessage) =>
        resolve(response),
      ),
    );
    expect(answer.statusCode).toBe(status);
    expect(answer.headers).toMatchObject({ "retry-after": "7", connection: "close" });
    expect(client.closes).toEqual([]);
    expect(sandbox.counts.refusedUpgrades).toBe(1);
    client.connect();
    await eventually(() => client.qr);
  },
);

test("a second login of the same device ends the first with 440, and is counted", async () => {
  const { sandbox } = fixture;
  const client = fixture.client();
  await client.link(sandbox.account(ana));
  client.connect();
  await client.closed(440);
  expect(sandbox.counts.simultaneousSockets).toBe(1);
});

test("during a silence nothing gets through; afterwards everything arrives, late and once", async () => {
  const { sandbox } = fixture;
  const client = fixture.client();
  await client.link(sandbox.account(ana));
  await client.send(to, { text: "knows the way" });
  await sandbox.account(ben).waitForMessage();
  sandbox.faults.silence(ana, true);
  const acked = client.socket.waitForMessage("LATE", 300);
  await client.socket.sendMessage(to, { text: "into the void" }, { messageId: "LATE" });
  await sandbox.account(ben).sendText(ana, "are you there?");
  expect(await acked).toBeUndefined();
  expect(client.received).toEqual([]);
  expect(sandbox.account(ben).inbox.map(({ text }) => text)).toEqual(["knows the way"]);
  sandbox.faults.silence(ana, false);
  await client.receive((message) => textOf(message) === "are you there?");
  await sandbox.account(ben).waitForMessage(({ id }) => id === "LATE");
  await client.send(to, { text: "as before" });
  await sandbox.account(ben).waitForMessage(({ text }) => text === "as before");
  expect(sandbox.account(ben).inbox.map(({ text, copies }) => [text, copies])).toEqual([
    ["knows the way", 1],
    ["into the void", 1],
    ["as before", 1],
  ]);
  expect(faultless(sandbox)).toEqual(noFaults);
});

test("a login during a silence succeeds when it is over", async () => {
  const { sandbox } = fixture;
  const client = fixture.client();
  await client.link(sandbox.account(ana));
  await client.hangUp();
  const before = sandbox.counts.logins;
  sandbox.faults.silence(ana, true);
  client.connect();
  await eventually(() => sandbox.ledger.sockets().length === 3);
  expect(sandbox.counts.logins).toBe(before);
  sandbox.faults.silence(ana, false);
  await client.opened();
  expect(sandbox.counts.logins).toBe(before + 1);
});

test("a silence that held back too many stanzas ends the connection", async () => {
  const { sandbox } = fixture;
  const client = fixture.client();
  await client.link(sandbox.account(ana));
  await client.send(to, { text: "knows the way" });
  await sandbox.account(ben).waitForMessage();
  sandbox.faults.silence(ana, true);
  const { heard = 0 } = sandbox.ledger.sockets().at(-1) ?? {};
  for (let index = 0; index <= 1_000; index += 1) {
    await client.socket.sendNode({ tag: "presence", attrs: { type: "available" } });
  }
  await client.socket.sendMessage(to, { text: "swallowed" }, { messageId: "SWALLOWED" });
  await eventually(() => (sandbox.ledger.sockets().at(-1)?.heard ?? 0) > heard + 1_000);
  sandbox.faults.silence(ana, false);
  await client.closed(428);
  expect(sandbox.ledger.sockets().at(-1)).toMatchObject({ reason: "silence" });
  expect(sandbox.account(ben).inbox).toHaveLength(1);
});

test("a message acknowledged with an error is not delivered", async () => {
  const { sandbox } = fixture;
  const client = fixture.client();
  await client.link(sandbox.account(ana));
  sandbox.faults.ackError(ana, 463, { times: 1 });
  const refused = await client.send(to, { text: "refused" });
  await eventually(() => client.statusOf(refused).includes(0));
  const accepted = await client.send(to, { text: "accepted" });
  await sandbox.account(ben).waitForMessage(({ id }) => id === accepted);
  expect(sandbox.account(ben).inbox.map(({ text }) => text)).toEqual(["accepted"]);
});

test("acks can be withheld or delayed while the messages arrive", async () => {
  const { sandbox } = fixture;
  const client = fixture.client();
  await client.link(sandbox.account(ana));
  sandbox.faults.withholdAcks(ana, true);
  const never = client.socket.waitForMessage("NEVER", 400);
  sandbox.account(ben).receiptPolicy = { delivered: "never", read: "never" };
  await client.socket.sendMessage(to, { text: "no ack" }, { messageId: "NEVER" });
  await sandbox.account(ben).waitForMessage(({ id }) => id === "NEVER");
  expect(await never).toBeUndefined();
  sandbox.faults.withholdAcks(ana, false);
  sandbox.faults.ackDelay(ana, 100);
  const late = client.socket.waitForMessage("LATE", 5_000);
  await client.socket.sendMessage(to, { text: "late ack" }, { messageId: "LATE" });
  expect(await late).toMatchObject({ tag: "ack" });
});

test("delivery receipts can be delayed or withheld", async () => {
  const { sandbox } = fixture;
  const client = fixture.client();
  await client.link(sandbox.account(ana));
  sandbox.faults.receipts(ana, "never");
  const silent = await client.send(to, { text: "no receipt" });
  await sandbox.account(ben).waitForMessage(({ id }) => id === silent);
  sandbox.faults.receipts(ana, 50);
  const late = await client.send(to, { text: "late receipt" });
  await eventually(() => client.statusOf(late).includes(3));
  expect(client.statusOf(silent)).toEqual([]);
});

test("a single query can stay unanswered", async () => {
  const { sandbox } = fixture;
  const client = fixture.client({ defaultQueryTimeoutMs: 300 });
  await client.link(sandbox.account(ana));
  sandbox.faults.ignoreQuery("usync");
  expect((await client.socket.onWhatsApp(ben)) ?? []).toEqual([]);
  expect(await client.socket.onWhatsApp(ben)).toHaveLength(1);
});

test("`clear` ends all faults", async () => {
  const { sandbox } = fixture;
  const client = fixture.client();
  await client.link(sandbox.account(ana));
  sandbox.faults.silence("all", true);
  sandbox.faults.ackError(ana, 479);
  sandbox.faults.refuseUpgrade({ status: 503 });
  sandbox.faults.clear();
  const id = await client.send(to, { text: "fine again" });
  await sandbox.account(ben).waitForMessage((message) => message.id === id);
  await client.hangUp();
  await client.open();
});
