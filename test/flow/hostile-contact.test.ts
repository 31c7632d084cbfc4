import { afterAll, beforeAll, expect, test } from "vitest";
import { createLog } from "#shared/log.ts";
import { eventually } from "../support/eventually.ts";
import { pairedChannel, type TestChannel } from "../support/pairing.ts";
import { type OneProcess, startSystem } from "../support/system.ts";

const own = "15550110901";
let system: OneProcess;
let channel: TestChannel;
const lines: string[] = [];

beforeAll(async () => {
  const log = createLog("warn", { write: (line: string) => void lines.push(line) });
  // Pings are queries, and a test counts queries.
  const timings = { keepAliveMs: 600_000, probeQuietMs: 600_000 };
  system = await startSystem({ log, timings, config: { sendRate: 0 } });
  channel = await pairedChannel(system, own);
});

afterAll(() => system[Symbol.asyncDispose]());

const contact = () => system.sandbox.account("15550110902");
const stranger = () => system.sandbox.account("15550110903");

async function sendTo(to: string, message: string): Promise<string> {
  const { body } = await system.api().post(`/channels/${channel.channelId}/send`, { to, message });
  return body.payload.messageId;
}

const statusesOf = async (messageId: string) => {
  const events = await system.collections.events
    .find({ type: "message_status_update", "data.messageId": messageId })
    .toArray();
  return events.map(({ data }) => data.status);
};

/** Waits until a text that the contact sends now is published, which happens after everything before it. */
async function nextIsDelivered(text: string) {
  const { id } = await contact().sendText(own, text);
  return await eventually(() => system.collections.events.findOne({ "data.messageId": id }));
}

const sessionFailures = () => lines.filter((line) => line.includes("session_failed"));
const list = (ids: string[]) => [
  { tag: "list", attrs: {}, content: ids.map((id) => ({ tag: "item", attrs: { id } })) },
];
const ids = (count: number, prefix: string) => Array.from({ length: count }, (_, n) => `${prefix}${n}`);

test("receipts of made-up ids, many or one with 60,000, end no session", async () => {
  for (let n = 0; n < 240; n++) {
    const attrs = { id: `R${n}`, type: "read", t: "1700000000" };
    const receipt = { tag: "receipt", attrs, content: list(ids(255, `M${n}-`)) };
    await stranger().sendStanza(own, receipt);
  }
  await stranger().sendStanza(own, {
    tag: "receipt",
    attrs: { id: "R-long", t: "1700000000" },
    content: list(ids(60_000, "LONG-")),
  });
  await nextIsDelivered("after the receipts");
  expect(sessionFailures()).toEqual([]);
  const device = channel.phone.devices()[0];
  await eventually(() => device && channel.phone.devices()[0]?.queued === 0);
}, 120_000);

test("a stranger who knows a message's id neither raises its status nor gets the message", async () => {
  const id = await sendTo(contact().phoneNumber, "Only for you");
  await contact().waitForMessage((message) => message.id === id);
  await eventually(async () => (await statusesOf(id)).includes("delivered"));
  const chat = `${contact().phoneNumber}@s.whatsapp.net`;
  const me = channel.phone.devices()[0]?.jid ?? "";
  const retry = [
    { tag: "retry", attrs: { count: "1", id, t: "1", v: "1" } },
    { tag: "registration", attrs: {}, content: Buffer.alloc(4, 1) },
  ];
  const { copies = 0 } = system.sandbox.ledger.outgoing().filter((one) => one.from === own)[0] ?? {};
  const lookups = system.sandbox.counts.snapshot().stanzas.iq ?? 0;
  for (const attrs of [
    { id },
    { id, participant: chat },
    { id, participant: me, recipient: chat },
    { id, participant: `${own}@s.whatsapp.net`, recipient: chat },
  ]) {
    for (const addressing of ["pn", "lid"] as const) {
      await stranger().sendStanza(
        own,
        { tag: "receipt", attrs: { ...attrs, type: "read", t: "1" } },
        { addressing },
      );
      const request = { tag: "receipt", attrs: { ...attrs, type: "retry", t: "1" }, content: retry };
      await stranger().sendStanza(own, request, { addressing });
    }
  }
  await nextIsDelivered("after the stranger");
  await eventually(() => channel.phone.devices()[0]?.queued === 0);
  expect(await statusesOf(id)).not.toContain("read");
  expect(stranger().inbox).toEqual([]);
  expect(system.sandbox.ledger.outgoing().filter((one) => one.from === own)).toMatchObject([{ id, copies }]);
  // Nor did a request make the connector ask WhatsApp for keys.
  expect(system.sandbox.counts.snapshot().stanzas.iq ?? 0).toBe(lookups);
}, 120_000);

test("a contact that asks for forty messages again at once gets each of them", async () => {
  const asking = system.sandbox.account("15550110904");
  const ids = await Promise.all(Array.from({ length: 40 }, (_, n) => sendTo(asking.phoneNumber, `No. ${n}`)));
  const copiesOf = (id: string) => asking.inbox.find((message) => message.id === id)?.copies ?? 0;
  await eventually(() => ids.every((id) => copiesOf(id) === 1));
  await Promise.all(ids.map((id) => asking.askRetry(id)));
  await eventually(() => ids.every((id) => copiesOf(id) === 2));
}, 120_000);

test("the recipient, under number or LID, and our own phone get a message again", async () => {
  const id = await sendTo(contact().phoneNumber, "Again, please");
  await contact().waitForMessage((message) => message.id === id);
  await contact().sendStanza(
    own,
    { tag: "receipt", attrs: { id, type: "read", t: "1" } },
    { addressing: "lid" },
  );
  await eventually(async () => (await statusesOf(id)).includes("read"));
  const copies = () => contact().inbox.find((message) => message.id === id)?.copies ?? 0;
  await contact().askRetry(id);
  await eventually(() => copies() === 2);
  const mine = () => channel.phone.inbox.find((message) => message.id === id)?.copies ?? 0;
  await eventually(() => mine() >= 1);
  const before = mine();
  await channel.phone.askRetry(id);
  await eventually(() => mine() > before);
}, 120_000);

const contentOf = async (messageId: string) =>
  (await system.collections.events.findOne({ "data.messageId": messageId }))?.data;
const tooLarge = { message: "", content: { type: "unavailable", reason: "too_large" } };

test("a text of 12.5 MB is told as too large, and the next one as it is, before and after a restart", async () => {
  const { id } = await stranger().sendText(own, "x".repeat(12_500_000));
  const { id: fits } = await stranger().sendText(own, "ö".repeat(65_536));
  const { id: middle } = await stranger().sendText(own, "y".repeat(900_000));
  await nextIsDelivered("after the long texts");
  expect(await contentOf(id)).toMatchObject(tooLarge);
  expect(await contentOf(middle)).toMatchObject(tooLarge);
  expect(await contentOf(fits)).toMatchObject({ message: "ö".repeat(65_536) });
  expect(sessionFailures()).toEqual([]);
  await system.stop();
  await system.start();
  await channel.becomes("active");
  await nextIsDelivered("after the restart");
  expect(sessionFailures()).toEqual([]);
}, 180_000);
