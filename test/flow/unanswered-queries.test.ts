import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { proto } from "#connector/baileys/baileys.ts";
import { servePicture } from "#infra/demo/picture.ts";
import { cleanCounts } from "../support/clean-counts.ts";
import { eventually } from "../support/eventually.ts";
import { pairedChannel, type TestChannel } from "../support/pairing.ts";
import { type OneProcess, startSystem } from "../support/system.ts";

const phoneNumber = "15550100411";
const known = "15550100412";
const member = "15550100413";
let newNumber = 15_550_100_420;
let picture: Awaited<ReturnType<typeof servePicture>>;
let system: OneProcess;
let channel: TestChannel;

beforeAll(async () => {
  picture = await servePicture();
  system = await startSystem({
    config: { mediaAllowHosts: [picture.host] },
    timings: { recipientMs: 1_000, overtakeMs: 200 },
  });
  channel = await pairedChannel(system, phoneNumber);
  expect((await send(known)).status).toBe(200);
  await system.sandbox.account(known).sendText(phoneNumber, "Hello");
  await published("Hello");
});

afterEach(() => system.sandbox.faults.clear());

afterAll(async () => {
  await system[Symbol.asyncDispose]();
  await picture[Symbol.asyncDispose]();
  const { decryptFailures: _, ...counts } = cleanCounts;
  expect(system.sandbox.counts.snapshot()).toMatchObject(counts);
});

const send = (to: string, message = "Hello") =>
  system.api().post(`/channels/${channel.channelId}/send`, { to, message });
const published = (message: string) =>
  eventually(() => system.collections.events.findOne({ type: "incoming_message", "data.message": message }));
/** Resolves to how long `work` took, in ms. */
const timed = async (work: () => Promise<unknown>) => {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
};
/** Well below the 30 s that Baileys waits for an answer, on a busy machine. */
const patienceMs = 8_000;

/** Receives from and sends to a known contact, and measures both. */
async function others(text: string) {
  return await Promise.all([
    timed(async () => {
      await system.sandbox.account(known).sendText(phoneNumber, text);
      await published(text);
    }),
    timed(async () => expect((await send(known, text)).status).toBe(200)),
  ]);
}

describe.each(["encrypt", "usync"])("while WhatsApp does not answer %s queries", (xmlns) => {
  test("a send to a new contact fails alone, and can be retried", async () => {
    const to = String(newNumber++);
    system.sandbox.faults.ignoreQuery(xmlns, { times: 100 });
    const failing = send(to);
    for (const ms of await others(`beside ${xmlns}`)) expect(ms).toBeLessThan(patienceMs);
    const { status, body } = await failing;
    expect([status, body.error]).toMatchObject([422, { code: "not_sent", retryable: true }]);
    system.sandbox.faults.clear();
    const { commandId, messageId } = body.error.details as { commandId: string; messageId: string };
    await system.api().post(`/commands/${commandId}/retry`);
    await system.sandbox.account(to).waitForMessage(({ id }) => id === messageId);
  }, 120_000);

  test("a send to a new contact goes out when a later query is answered", async () => {
    const to = String(newNumber++);
    system.sandbox.faults.ignoreQuery(xmlns, { times: 1 });
    expect((await send(to)).status).toBe(200);
    await system.sandbox.account(to).waitForMessage();
  }, 120_000);

  test("a contact that asks for a message again holds up nobody, nor does one with new devices", async () => {
    const asking = system.sandbox.account(member);
    const { body } = await send(member, "again");
    await asking.waitForMessage(({ id }) => id === body.payload.messageId);
    system.sandbox.faults.ignoreQuery(xmlns, { times: 100 });
    asking.addDevice();
    await asking.askRetry(body.payload.messageId);
    for (const ms of await others(`beside a retry, ${xmlns}`)) expect(ms).toBeLessThan(patienceMs);
    const { messageId } = (await send(known, "status")).body.payload;
    await eventually(async () => {
      const row = await system.collections.messages.findOne({ messageId });
      return row?.status === "delivered";
    });
  }, 120_000);
});

/** Sends a message whose stanza names the sender's number alone, so that Baileys asks WhatsApp for the LID. */
async function sendFromNumberAlone(from: string, text: string) {
  const sealed = Buffer.concat([proto.Message.encode({ conversation: text }).finish(), Buffer.of(1)]);
  const stanza = { tag: "message", attrs: { id: `ID ${text}`, type: "text", t: "1700000000" } };
  await system.sandbox.account(from).sendStanza(phoneNumber, stanza, { sealed });
}

test("a message is published although WhatsApp refuses to look its sender up", async () => {
  system.sandbox.faults.refuseQuery("usync", 429, { times: 100 });
  await sendFromNumberAlone("15550100430", "refused");
  await published("refused");
});

test("strangers whom WhatsApp does not look up hold up the others once, not one after the other", async () => {
  system.sandbox.faults.ignoreQuery("usync", { times: 100 });
  const strangers = ["15550100431", "15550100432", "15550100433"];
  for (const stranger of strangers) await sendFromNumberAlone(stranger, stranger);
  const took = await timed(async () => {
    await system.sandbox.account(known).sendText(phoneNumber, "behind strangers");
    await published("behind strangers");
  });
  expect(took).toBeLessThan(patienceMs);
  for (const stranger of strangers) await published(stranger);
}, 120_000);

test("media goes out when a later query for the media hosts is answered, and beside it other sends do", async () => {
  system.sandbox.faults.ignoreQuery("w:m", { times: 1 });
  const { url } = picture;
  const body = { to: member, mediaType: "image", mediaUrl: url };
  const sending = system.api().post(`/channels/${channel.channelId}/send-media`, body, { Prefer: "wait=30" });
  for (const ms of await others("beside media")) expect(ms).toBeLessThan(patienceMs);
  const { status, body: answer } = await sending;
  expect(status).toBe(200);
  await system.sandbox.account(member).waitForMessage(({ id }) => id === answer.payload.messageId);
}, 120_000);

test("a newly linked channel receives messages while WhatsApp does not answer for its app state", async () => {
  system.sandbox.faults.ignoreQuery("w:sync:app:state", { times: 100 });
  const linked = await pairedChannel(system, "15550100414");
  const isWaiting = () =>
    system.sandbox
      .account("15550100414")
      .devices()
      .every(({ queued }) => queued === 0);
  await eventually(isWaiting);
  const took = await timed(async () => {
    await system.sandbox.account(member).sendText("15550100414", "to a new channel");
    await published("to a new channel");
  });
  expect(took).toBeLessThan(patienceMs);
  await system.api().post(`/channels/${linked.channelId}/disconnect`);
}, 120_000);

test("a group message makes Baileys ask in no transaction, nor does it hold up others", async () => {
  const { id } = system.sandbox.account(member).createGroup("Friends", [phoneNumber, known]);
  await system.sandbox.account(member).sendText(id, "to all");
  system.sandbox.faults.ignoreQuery("w:sync:app:state", { times: 10 });
  for (const ms of await others("beside a group")) expect(ms).toBeLessThan(patienceMs);
});
