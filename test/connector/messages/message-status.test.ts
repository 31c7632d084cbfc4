import { randomUUID } from "node:crypto";
import { Timestamp } from "mongodb";
import { expect, test } from "vitest";
import { createCommandQueue } from "#connector/commands/command-queue.ts";
import { openEventLog } from "#connector/events/event-log.ts";
import { createPublishedStatuses } from "#connector/events/published-statuses.ts";
import { createMessageStatuses } from "#connector/messages/message-status.ts";
import { createMessageStore } from "#connector/messages/message-store.ts";
import { type EventData, messageStatusRank } from "#shared/events.ts";
import { commandDocument, fileDatabase } from "../connector.fixture.ts";

const file = fileDatabase();

type News = EventData["message_status_update"]["status"];

/** Deliveries of one channel, on its real events, messageStore and queue. */
async function channel(channelId: string = randomUUID(), epoch = 1) {
  const fence = { channelId, epoch };
  const events = await openEventLog(file.all.events, fence);
  const messageStore = createMessageStore(file.all, channelId);
  const queue = createCommandQueue(file.all.commands, fence, "me");
  const publishedStatuses = createPublishedStatuses(file.all, channelId);
  return {
    channelId,
    messageStore,
    queue,
    publishedStatuses,
    events,
    delivery: createMessageStatuses({
      events,
      publishedStatuses,
      messageStore,
      onArrived: queue.settleUnknown,
    }),
  };
}

type Channel = Awaited<ReturnType<typeof channel>>;

const peer = "15550100001@s.whatsapp.net";

/** A message on its way, as the sender leaves it, and its command. */
async function sending({
  channelId,
  messageStore,
}: Channel): Promise<{ messageId: string; commandId: string }> {
  const messageId = `3EB0${randomUUID().slice(0, 8).toUpperCase()}`;
  const command = commandDocument(channelId, {
    ...{ state: "running", messageId },
    claim: { connector: "me", epoch: 1, at: new Date() },
  });
  await file.all.commands.insertOne(command);
  await messageStore.sending(messageId, peer, "text", { conversation: "Hello" });
  return { messageId, commandId: command._id };
}

const publishedStatuses = async (channelId: string, messageId: string) => {
  const events = await file.all.events
    .find({ channelId, "data.messageId": messageId })
    .sort({ seq: 1 })
    .toArray();
  return events.map(({ data }) => data.status as News);
};
const commandOf = (id: string) => file.all.commands.findOne({ _id: id });
const statusOf = async (channelId: string, messageId: string) =>
  (await file.all.messages.findOne({ channelId, messageId }))?.status;

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length <= 1) return [[...items]];
  return items.flatMap((item, index) =>
    permutations(items.toSpliced(index, 1)).map((rest) => [item, ...rest]),
  );
}

/** News as it comes from where it comes: `unknown` is our own verdict, and settles the command first. */
async function hear(
  { channelId, delivery }: Channel,
  { messageId, commandId }: { messageId: string; commandId: string },
  status: News,
) {
  if (status !== "unknown") return delivery.update({ messageId, status });
  await file.all.commands.updateOne(
    { _id: commandId, channelId, state: "running" },
    { $set: { state: "unknown", result: { messageId, to: peer, type: "text", status } } },
  );
  return delivery.publish({ messageId, status });
}

const everyNews: News[] = ["unknown", "sent", "failed", "delivered", "read"];

test.each<{ how: string; atOnce: boolean }>([
  { how: "one after the other", atOnce: false },
  { how: "all at once", atOnce: true },
])(
  "every order of the same news ends the same way, $how: read, and the command succeeded",
  async ({ atOnce }) => {
    const here = await channel();
    await Promise.all(
      permutations(everyNews).map(async (order) => {
        const message = await sending(here);
        if (atOnce) await Promise.all(order.map((status) => hear(here, message, status)));
        else for (const status of order) await hear(here, message, status);
        const heard = await publishedStatuses(here.channelId, message.messageId);
        const ranks = heard.map((status) => messageStatusRank[status]);
        expect(ranks, `${order} was publishedStatuses as ${heard}`).toEqual(ranks.toSorted((a, b) => a - b));
        expect(new Set(heard).size).toBe(heard.length);
        expect(await statusOf(here.channelId, message.messageId)).toBe("read");
        expect(await commandOf(message.commandId), order.join()).toMatchObject({
          state: "succeeded",
          result: { messageId: message.messageId, to: peer, type: "text", status: "sent" },
        });
      }),
    );
  },
);

test("each status is publishedStatuses once, however often it is heard and by however many owners", async () => {
  const here = await channel();
  const message = await sending(here);
  for (let time = 0; time < 3; time++) await hear(here, message, "delivered");
  await Promise.all([1, 2, 3].map(() => hear(here, message, "read")));
  const next = await channel(here.channelId, 2);
  await hear(next, message, "read");
  await hear(next, message, "delivered");
  expect(await publishedStatuses(here.channelId, message.messageId)).toEqual(["delivered", "read"]);
});

test("a refusal before any delivery stays; the command is left as it was", async () => {
  const here = await channel();
  const message = await sending(here);
  await here.delivery.update({
    messageId: message.messageId,
    status: "failed",
    error: { code: "whatsapp_rejected", whatsappCode: 479 },
  });
  await hear(here, message, "sent");
  expect(await publishedStatuses(here.channelId, message.messageId)).toEqual(["failed"]);
  expect(await statusOf(here.channelId, message.messageId)).toBe("failed");
  expect(await commandOf(message.commandId)).toMatchObject({ state: "running" });
});

test("news of a message that nobody knows is dropped; of our own commands it is told", async () => {
  const here = await channel();
  await here.delivery.update({ messageId: "3EB0NOBODY", status: "read" });
  await here.delivery.publish({ messageId: "3EB0OWN", status: "failed", error: { code: "expired" } });
  expect(await publishedStatuses(here.channelId, "3EB0NOBODY")).toEqual([]);
  expect(await publishedStatuses(here.channelId, "3EB0OWN")).toEqual(["failed"]);
});

test("an unknown message that a new owner hears of is settled", async () => {
  const here = await channel();
  const message = await sending(here);
  await hear(here, message, "unknown");
  const next = await channel(here.channelId, 2);
  await hear(next, message, "delivered");
  expect(await commandOf(message.commandId)).toMatchObject({ state: "succeeded" });
  expect(await publishedStatuses(here.channelId, message.messageId)).toEqual(["unknown", "delivered"]);
});

test("a writer that died between the events and the messageStore is caught up with: no status goes back", async () => {
  const here = await channel();
  const message = await sending(here);
  const { messageId } = message;
  const id = here.publishedStatuses.eventId(messageId, "sent");
  await here.events.publish("message_status_update", { messageId, status: "sent" }, id);
  const next = await channel(here.channelId, 2);
  await next.delivery.publish({ messageId, status: "unknown" });
  expect(await publishedStatuses(here.channelId, messageId)).toEqual(["sent"]);
  expect(await statusOf(here.channelId, messageId)).toBe("sent");
  await hear(next, message, "delivered");
  expect(await publishedStatuses(here.channelId, messageId)).toEqual(["sent", "delivered"]);
});

test("a failure before the wire is no step on the way: what is tried again rises from the beginning", async () => {
  const here = await channel();
  const { messageId } = await sending(here);
  const [first, second] = [new Timestamp({ t: 1, i: 1 }), new Timestamp({ t: 2, i: 1 })];
  for (const ord of [first, first, second]) await here.delivery.publishNotSent({ messageId, ord }, "expired");
  expect(await statusOf(here.channelId, messageId)).toBe("failed");
  await here.delivery.publish({ messageId, status: "sent" });
  expect(await publishedStatuses(here.channelId, messageId)).toEqual(["failed", "failed", "sent"]);
  expect(await statusOf(here.channelId, messageId)).toBe("sent");
});

test("what may have been on the wire is never publishedStatuses not to have been sent", async () => {
  const here = await channel();
  const { messageId } = await sending(here);
  await here.delivery.publish({ messageId, status: "unknown" });
  await here.delivery.publishNotSent({ messageId, ord: new Timestamp({ t: 1, i: 1 }) }, "not_sent");
  expect(await publishedStatuses(here.channelId, messageId)).toEqual(["unknown"]);
  expect(await statusOf(here.channelId, messageId)).toBe("unknown");
});
