import { randomUUID } from "node:crypto";
import { Timestamp } from "mongodb";
import { expect, test } from "vitest";
import { createCommandQueue } from "#connector/commands/command-queue.ts";
import { openEventLog } from "#connector/events/event-log.ts";
import { createPublishedStatuses } from "#connector/events/published-statuses.ts";
import { createMessageStatuses } from "#connector/messages/message-status.ts";
import { createMessageStore, type MessageStore } from "#connector/messages/message-store.ts";
import { type EventData, messageStatusRank } from "#shared/events.ts";
import { commandDocument } from "#test/support/documents.ts";
import { fileDatabase } from "../connector.fixture.ts";
import { sentText, testSeal } from "./messages.fixture.ts";

const file = fileDatabase();

type Status = EventData["message_status_update"]["status"];

/** The message statuses of one channel, on its real log, message store and queue. */
async function openChannel(channelId: string = randomUUID(), epoch = 1, raises?: MessageStore["raise"]) {
  const fence = { channelId, epoch };
  const events = await openEventLog(file.all.events, fence, {
    unraisedAfter: () => statuses.unraisedAfter(),
  });
  const messageStore = createMessageStore(file.all, channelId, testSeal(channelId));
  if (raises) messageStore.raise = raises;
  const queue = createCommandQueue(file.all.commands, fence, "me");
  const publishedStatuses = createPublishedStatuses(file.all, channelId);
  const statuses = createMessageStatuses({
    events,
    publishedStatuses,
    messageStore,
    onArrived: queue.settleUnknown,
    onError: () => undefined,
  });
  return { channelId, messageStore, queue, publishedStatuses, events, statuses };
}

type Channel = Awaited<ReturnType<typeof openChannel>>;

const peer = "15550100001@s.whatsapp.net";

/** A relayed message without a status yet, and its command. */
async function relayedMessage({
  channelId,
  messageStore,
}: Channel): Promise<{ messageId: string; commandId: string }> {
  const messageId = `3EB0${randomUUID().slice(0, 8).toUpperCase()}`;
  const command = commandDocument(channelId, {
    ...{ state: "running", messageId },
    claim: { connector: "me", epoch: 1, at: new Date() },
  });
  await file.all.commands.insertOne(command);
  await messageStore.sending(...sentText(messageId, peer, "Hello"));
  return { messageId, commandId: command._id };
}

const published = async (channelId: string, messageId: string) => {
  const events = await file.all.events
    .find({ channelId, "data.messageId": messageId })
    .sort({ seq: 1 })
    .toArray();
  return events.map(({ data }) => data.status as Status);
};
const commandOf = (id: string) => file.all.commands.findOne({ _id: id });
/** The status in the message's row, once all raises are written. */
const statusOf = async ({ channelId, statuses }: Channel, messageId: string) => {
  await statuses.flush();
  return (await file.all.messages.findOne({ channelId, messageId }))?.status;
};

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length <= 1) return [[...items]];
  return items.flatMap((item, index) =>
    permutations(items.toSpliced(index, 1)).map((rest) => [item, ...rest]),
  );
}

/** Reports a status from its real source: `unknown` is the sender's verdict, which settles the command first. */
async function report(
  { channelId, statuses }: Channel,
  { messageId, commandId }: { messageId: string; commandId: string },
  status: Status,
) {
  if (status !== "unknown") return statuses.update({ messageId, status });
  await file.all.commands.updateOne(
    { _id: commandId, channelId, state: "running" },
    { $set: { state: "unknown", result: { messageId, to: peer, type: "text", status } } },
  );
  return statuses.publish({ messageId, status });
}

const everyStatus: Status[] = ["unknown", "sent", "failed", "delivered", "read"];

test.each<{ how: string; atOnce: boolean }>([
  { how: "one after the other", atOnce: false },
  { how: "all at once", atOnce: true },
])("every order of statuses, $how, ends with a read message and a succeeded command", async ({ atOnce }) => {
  const channel = await openChannel();
  await Promise.all(
    permutations(everyStatus).map(async (order) => {
      const message = await relayedMessage(channel);
      if (atOnce) await Promise.all(order.map((status) => report(channel, message, status)));
      else for (const status of order) await report(channel, message, status);
      const logged = await published(channel.channelId, message.messageId);
      const ranks = logged.map((status) => messageStatusRank[status]);
      expect(ranks, `${order} was published as ${logged}`).toEqual(ranks.toSorted((a, b) => a - b));
      expect(new Set(logged).size).toBe(logged.length);
      expect(await statusOf(channel, message.messageId)).toBe("read");
      expect(await commandOf(message.commandId), order.join()).toMatchObject({
        state: "succeeded",
        result: { messageId: message.messageId, to: peer, type: "text", status: "sent" },
      });
    }),
  );
});

test("each status is published once, however often and to however many owners it is reported", async () => {
  const channel = await openChannel();
  const message = await relayedMessage(channel);
  for (let time = 0; time < 3; time++) await report(channel, message, "delivered");
  await Promise.all([1, 2, 3].map(() => report(channel, message, "read")));
  const next = await openChannel(channel.channelId, 2);
  await report(next, message, "read");
  await report(next, message, "delivered");
  expect(await published(channel.channelId, message.messageId)).toEqual(["delivered", "read"]);
});

test("a refusal outranks a later `sent`, and leaves the command to the sender", async () => {
  const channel = await openChannel();
  const message = await relayedMessage(channel);
  await channel.statuses.update({
    messageId: message.messageId,
    status: "failed",
    error: { code: "whatsapp_rejected", whatsappCode: 479 },
  });
  await report(channel, message, "sent");
  expect(await published(channel.channelId, message.messageId)).toEqual(["failed"]);
  expect(await statusOf(channel, message.messageId)).toBe("failed");
  expect(await commandOf(message.commandId)).toMatchObject({ state: "running" });
});

test("an update for an unknown message is dropped, while our own sends are published without a row", async () => {
  const channel = await openChannel();
  await channel.statuses.update({ messageId: "3EB0FOREIGN", status: "read" });
  await channel.statuses.publish({ messageId: "3EB0OWN", status: "failed", error: { code: "expired" } });
  expect(await published(channel.channelId, "3EB0FOREIGN")).toEqual([]);
  expect(await published(channel.channelId, "3EB0OWN")).toEqual(["failed"]);
});

test("a receipt settles an `unknown` send of a former owner", async () => {
  const channel = await openChannel();
  const message = await relayedMessage(channel);
  await report(channel, message, "unknown");
  const next = await openChannel(channel.channelId, 2);
  await report(next, message, "delivered");
  expect(await commandOf(message.commandId)).toMatchObject({ state: "succeeded" });
  expect(await published(channel.channelId, message.messageId)).toEqual(["unknown", "delivered"]);
});

test("a status that only reached the log before its writer died is not lowered", async () => {
  const channel = await openChannel();
  const message = await relayedMessage(channel);
  const { messageId } = message;
  const id = channel.publishedStatuses.eventId(messageId, "sent");
  await channel.events.publish("message_status_update", { messageId, status: "sent" }, id);
  const next = await openChannel(channel.channelId, 2);
  await next.statuses.publish({ messageId, status: "unknown" });
  expect(await published(channel.channelId, messageId)).toEqual(["sent"]);
  expect(await statusOf(next, messageId)).toBe("sent");
  await report(next, message, "delivered");
  expect(await published(channel.channelId, messageId)).toEqual(["sent", "delivered"]);
});

test("the next owner raises the rows that a dead one left behind the log, also when events followed", async () => {
  const dead = await openChannel(randomUUID(), 1, () => new Promise(() => undefined));
  const [first, unsent, last] = [
    await relayedMessage(dead),
    await relayedMessage(dead),
    await relayedMessage(dead),
  ];
  await report(dead, first, "sent");
  await report(dead, first, "delivered");
  await dead.statuses.publishNotSent(
    { messageId: unsent.messageId, ord: new Timestamp({ t: 1, i: 1 }) },
    "expired",
  );
  await report(dead, last, "sent");
  await dead.events.publish("connection_update", { status: "active" });
  const next = await openChannel(dead.channelId, 2);
  await next.statuses.repair();
  expect(await statusOf(next, first.messageId)).toBe("delivered");
  expect(await statusOf(next, last.messageId)).toBe("sent");
  expect(
    await file.all.messages.findOne({ channelId: dead.channelId, messageId: unsent.messageId }),
  ).toMatchObject({
    status: "failed",
    statusRank: messageStatusRank.queued,
  });
});

test("an owner whose rows are raised leaves nothing to its successor", async () => {
  const channel = await openChannel();
  await report(channel, await relayedMessage(channel), "sent");
  await channel.statuses.flush();
  await report(channel, await relayedMessage(channel), "sent");
  const next = await openChannel(channel.channelId, 2);
  expect(next.events).toMatchObject({ lastSeq: 2, raisedSeq: 1 });
  await next.events.publish("connection_update", { status: "active" });
  const last = await openChannel(channel.channelId, 3);
  expect(last.events).toMatchObject({ lastSeq: 3, raisedSeq: 3 });
});

test("a failure before the wire does not count as a status: a retried send rises from the start", async () => {
  const channel = await openChannel();
  const { messageId } = await relayedMessage(channel);
  const [first, second] = [new Timestamp({ t: 1, i: 1 }), new Timestamp({ t: 2, i: 1 })];
  for (const ord of [first, first, second])
    await channel.statuses.publishNotSent({ messageId, ord }, "expired");
  expect(await statusOf(channel, messageId)).toBe("failed");
  await channel.statuses.publish({ messageId, status: "sent" });
  expect(await published(channel.channelId, messageId)).toEqual(["failed", "failed", "sent"]);
  expect(await statusOf(channel, messageId)).toBe("sent");
});

test("a send that may have been on the wire is never published as not sent", async () => {
  const channel = await openChannel();
  const { messageId } = await relayedMessage(channel);
  await channel.statuses.publish({ messageId, status: "unknown" });
  await channel.statuses.publishNotSent({ messageId, ord: new Timestamp({ t: 1, i: 1 }) }, "not_sent");
  expect(await published(channel.channelId, messageId)).toEqual(["unknown"]);
  expect(await statusOf(channel, messageId)).toBe("unknown");
});
