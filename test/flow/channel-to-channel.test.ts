import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { servePicture } from "#infra/demo/picture.ts";
import { planFaults } from "#infra/sandbox/faults/schedule.ts";
import { cleanCounts } from "../support/clean-counts.ts";
import { eventually } from "../support/eventually.ts";
import { pairedChannel, type TestChannel } from "../support/pairing.ts";
import { type OneProcess, startSystem } from "../support/system.ts";

const phones = Array.from({ length: 6 }, (_, index) => `1555012000${index}`);
/** How long a send waits for WhatsApp's acknowledgement. */
const ackMs = 5_000;
const [dentist = "", pharmacy = ""] = phones;

let picture: Awaited<ReturnType<typeof servePicture>>;
let system: OneProcess;
const channels = new Map<string, TestChannel>();

beforeAll(async () => {
  picture = await servePicture();
  const config = { mediaAllowHosts: [picture.host] };
  const timings = { backoff: { baseMs: 50, maxMs: 200 }, ackMs };
  system = await startSystem({ config, timings });
  for (const phone of phones) channels.set(phone, await pairedChannel(system, phone));
});
afterEach(() => {
  expect(system.sandbox.counts.snapshot()).toMatchObject(cleanCounts);
  expect(system.sandbox.ledger.unrepairedDecryptFailures()).toEqual([]);
});
afterAll(async () => {
  await system[Symbol.asyncDispose]();
  await picture[Symbol.asyncDispose]();
});

test("a text from one channel reaches the other once and is reported delivered and read", async () => {
  const messageId = await send(dentist, pharmacy, "Is it ready?");
  const [message] = await publishedOnce(pharmacy, messageId);
  expect(message).toMatchObject({ phoneNumber: dentist, message: "Is it ready?", type: "incoming" });
  await reachesStatus(dentist, messageId, "delivered");
  channelOf(pharmacy).phone.markRead(messageId);
  await reachesStatus(dentist, messageId, "read");
  const answer = await send(pharmacy, dentist, "In an hour.");
  expect(await publishedOnce(dentist, answer)).toMatchObject([
    { phoneNumber: pharmacy, message: "In an hour." },
  ]);
});

test("a text sent to a channel's LID reaches it once and is reported delivered", async () => {
  const messageId = await send(dentist, channelOf(pharmacy).phone.lid, "To your LID");
  expect(await publishedOnce(pharmacy, messageId)).toMatchObject([
    { phoneNumber: dentist, message: "To your LID" },
  ]);
  await reachesStatus(dentist, messageId, "delivered");
});

test("an image from one channel reaches the other byte for byte, with its caption", async () => {
  const body = { to: pharmacy, mediaType: "image", mediaUrl: picture.url, caption: "The tooth" };
  const { body: answer } = await post(dentist, "send-media", body);
  const { messageId } = answer.payload;
  expect(await publishedOnce(pharmacy, messageId)).toMatchObject([
    { message: "The tooth", content: { type: "image", mimetype: "image/png", caption: "The tooth" } },
  ]);
  const received = await channelOf(pharmacy).phone.waitForMessage(({ id }) => id === messageId);
  expect(received.media?.bytes.equals(picture.bytes)).toBe(true);
  await reachesStatus(dentist, messageId, "delivered");
});

test("a phone that asks for a resend gets another copy, and its channel publishes the message once", async () => {
  const earlier = await send(pharmacy, dentist, "So that both sides have a session");
  await publishedOnce(dentist, earlier);
  channelOf(pharmacy).phone.forgetSessions();
  const messageId = await send(dentist, pharmacy, "Unreadable on the phone at first");
  await channelOf(pharmacy).phone.waitForMessage(({ id }) => id === messageId);
  await publishedOnce(pharmacy, messageId);
  const record = system.sandbox.ledger.outgoing().find(({ id }) => id === messageId);
  expect(record).toMatchObject({ copies: 1, resent: 1, retriesAsked: 1 });
});

test("messages to a disconnected channel are published once each, in order, after it reconnects", async () => {
  await post(pharmacy, "disconnect");
  await channelOf(pharmacy).becomes("inactive", "disconnected");
  const ids: string[] = [];
  for (const text of ["one", "two", "three"]) ids.push(await send(dentist, pharmacy, text));
  await eventually(() => (channelOf(pharmacy).phone.devices()[0]?.queued ?? 0) >= ids.length);
  expect(await publishedMessagesOf(pharmacy, ids[0] ?? "")).toEqual([]);
  await post(pharmacy, "connect");
  await channelOf(pharmacy).becomes("active");
  for (const id of ids) await publishedOnce(pharmacy, id);
  const log = await system.collections.events
    .find({ channelId: channelOf(pharmacy).channelId, "data.messageId": { $in: ids } })
    .sort({ seq: 1 })
    .toArray();
  expect(log.map(({ data }) => data.messageId)).toEqual(ids);
});

test("six channels whose connections drop deliver every message to each other once and in order", {
  timeout: 360_000,
}, async () => {
  const pairs = phones.flatMap((from) => phones.filter((to) => to !== from).map((to) => ({ from, to })));
  const texts = ["first", "second"];
  const rates = { drop: 20, "stream-error": 10 };
  const plan = planFaults({ seed: 11, seconds: 100, targets: phones, rates });
  const stop = new AbortController();
  const faults = system.sandbox.runFaults(plan, stop.signal);
  const sent = await Promise.all(
    pairs.map(async ({ from, to }) => {
      const ids: string[] = [];
      for (const text of texts) ids.push(await send(from, to, `${from} ${text}`));
      return { from, to, ids };
    }),
  );
  const messageIds = sent.flatMap(({ ids }) => ids);
  const publishedMessages = async () => {
    const query = { type: "incoming_message", "data.messageId": { $in: messageIds } } as const;
    return system.collections.events.find(query).sort({ seq: 1 }).toArray();
  };
  /** Those that went out twice, and both copies were lost with their connections: nobody received them. */
  const lostTwice = async (published: ReadonlyArray<{ data: object & { messageId?: unknown } }>) => {
    const messageId = { $in: messageIds, $nin: published.map(({ data }) => String(data.messageId)) };
    const resentAt = { $lt: new Date(Date.now() - 2 * ackMs) };
    const unknown = await system.collections.commands
      .find({ state: "unknown", messageId, resentAt })
      .toArray();
    return unknown.map((command) => command.messageId);
  };
  const isOver = async () => {
    const published = await publishedMessages();
    return published.length + (await lostTwice(published)).length >= messageIds.length;
  };
  await eventually(isOver, { withinMs: 100_000, everyMs: 250 }).catch(() => undefined);
  stop.abort();
  expect((await faults).filter(({ error }) => error !== undefined)).toEqual([]);
  for (const phone of phones) await channelOf(phone).becomes("active");
  // A busy machine finishes only when the faults have ended.
  await eventually(isOver, { withinMs: 100_000, everyMs: 250 });
  const log = await publishedMessages();
  const lost = await lostTwice(log);
  expect(lost.length).toBeLessThan(5);
  expect([...log.map(({ data }) => data.messageId), ...lost].sort()).toEqual([...messageIds].sort());
  const wire = system.sandbox.ledger.outgoing();
  expect(wire.filter(({ id }) => lost.includes(id))).toEqual([]);
  for (const { from, to, ids } of sent) {
    const records = wire.filter((record) => ids.includes(record.id)).sort(byOrder);
    expect(records.filter(({ copies, shownAt }) => copies > 2 || shownAt === null)).toEqual([]);
    // A message that is sent twice may arrive late: after an unknown outcome, or because the phone could not decrypt it.
    const once = records.filter(({ copies, retriesAsked }) => copies === 1 && retriesAsked === 0);
    const isOnce = (id: string) => once.some((record) => record.id === id);
    expect(once.map(({ id }) => id)).toEqual(ids.filter(isOnce));
    const published = log
      .filter(({ channelId, data }) => channelId === channelOf(to).channelId && data.phoneNumber === from)
      .map(({ data }) => String(data.messageId));
    expect(published.filter(isOnce)).toEqual(once.map(({ id }) => id));
  }
});

const byOrder = (one: { order: number | null }, other: { order: number | null }): number =>
  (one.order ?? 0) - (other.order ?? 0);

function channelOf(phone: string): TestChannel {
  const channel = channels.get(phone);
  if (!channel) throw new Error(`${phone} has no channel`);
  return channel;
}

const post = (phone: string, action: string, body: object = {}) =>
  system.api().post(`/channels/${channelOf(phone).channelId}/${action}`, body, { prefer: "wait=0" });

/** Queues a message and resolves to the id that it will have. */
async function send(from: string, to: string, message: string): Promise<string> {
  const { body } = await post(from, "send", { to, message });
  return body.payload.messageId;
}

async function publishedMessagesOf(phone: string, messageId: string) {
  const query = { channelId: channelOf(phone).channelId, type: "incoming_message" } as const;
  const events = await system.collections.events.find({ ...query, "data.messageId": messageId }).toArray();
  return events.map(({ data }) => data);
}

/** Waits until the message is published and nothing is queued for the phone, so that a duplicate would be published too. */
async function publishedOnce(phone: string, messageId: string) {
  await eventually(async () => (await publishedMessagesOf(phone, messageId)).length > 0);
  await eventually(() => channelOf(phone).phone.devices()[0]?.queued === 0);
  const publishedMessages = await publishedMessagesOf(phone, messageId);
  expect(publishedMessages).toHaveLength(1);
  return publishedMessages;
}

const reachesStatus = (phone: string, messageId: string, status: string) =>
  eventually(async () => {
    const query = { channelId: channelOf(phone).channelId, type: "message_status_update" } as const;
    return system.collections.events.findOne({
      ...query,
      "data.messageId": messageId,
      "data.status": status,
    });
  });
