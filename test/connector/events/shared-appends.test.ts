import { randomUUID } from "node:crypto";
import { MongoNetworkError } from "mongodb";
import { expect, test } from "vitest";
import { type EventLog, openEventLog } from "#connector/events/event-log.ts";
import { FencedError } from "#connector/ownership/fence.ts";
import { fileDatabase } from "../connector.fixture.ts";
import { hookedCollections } from "../faulty-collections.fixture.ts";

const file = fileDatabase();

/** The logs of several channels of one process, with the size of each bulk it writes. */
async function process(count: number, before: () => Promise<void> = async () => undefined) {
  const bulks: number[] = [];
  const { events } = hookedCollections(file.all, {
    async before({ args: [operations], method }) {
      if (method !== "bulkWrite" || !Array.isArray(operations)) return;
      bulks.push(operations.length);
      await before();
    },
  });
  const channels = await Promise.all(
    Array.from({ length: count }, async () => {
      const channelId = randomUUID();
      return { channelId, log: await openEventLog(events, { channelId, epoch: 1 }) };
    }),
  );
  bulks.length = 0;
  return { bulks, channels };
}

const publish = (log: EventLog, messageId: string, id?: string) =>
  log.publish("message_status_update", { messageId, status: "sent" }, id);

const logged = async (channelId: string) => {
  const rows = file.all.events.find({ channelId, seq: { $exists: true } }).sort({ seq: 1 });
  return (await rows.toArray()).map(({ seq, data }) => `${seq} ${data.messageId}`);
};

test("what channels publish at the same moment is one command, each behind its own fence", async () => {
  const { bulks, channels } = await process(3);
  await Promise.all(channels.flatMap(({ log }) => [publish(log, "A"), publish(log, "B")]));
  expect(bulks).toEqual([9]);
  for (const { channelId } of channels) expect(await logged(channelId)).toEqual(["1 A", "2 B"]);
});

test("a channel that was taken over is refused alone, wherever it stands in the command", async () => {
  const { bulks, channels } = await process(4);
  const lost = [channels[0], channels[2]];
  for (const one of lost) await openEventLog(file.all.events, { channelId: one?.channelId ?? "", epoch: 2 });
  const published = await Promise.allSettled(channels.map(({ log }) => publish(log, "A")));
  expect(published.map((one) => (one.status === "rejected" ? one.reason : null))).toEqual([
    expect.any(FencedError),
    null,
    expect.any(FencedError),
    null,
  ]);
  expect(published[2]).toMatchObject({ reason: { channelId: channels[2]?.channelId } });
  expect(bulks).toEqual([8, 6, 2]);
  expect(await Promise.all(channels.map(({ channelId }) => logged(channelId)))).toEqual([
    [],
    ["1 A"],
    [],
    ["1 A"],
  ]);
});

test("an event that is in the log already holds up only its own channel", async () => {
  const { channels } = await process(3);
  const id = randomUUID();
  const [, second] = channels;
  if (second) await publish(second.log, "A", id);
  await Promise.all(
    channels.flatMap(({ log }, index) => [
      publish(log, "A", index === 1 ? id : undefined),
      publish(log, "B"),
    ]),
  );
  for (const { channelId } of channels) expect(await logged(channelId)).toEqual(["1 A", "2 B"]);
});

test("an owner past its deadline writes nothing, and those beside it do", async () => {
  let isHeld = true;
  const channelId = randomUUID();
  const late = await openEventLog(file.all.events, { channelId, epoch: 1, isHeld: () => isHeld });
  const other = randomUUID();
  const log = await openEventLog(file.all.events, { channelId: other, epoch: 1 });
  isHeld = false;
  const [refused, written] = await Promise.allSettled([publish(late, "A"), publish(log, "A")]);
  expect([refused, written]).toMatchObject([{ reason: expect.any(FencedError) }, { status: "fulfilled" }]);
  expect(await logged(channelId)).toEqual([]);
});

test("a command that is lost on its way is repeated by each channel", async () => {
  let isLost = false;
  const { channels } = await process(2, async () => {
    if (!isLost) return;
    isLost = false;
    throw new MongoNetworkError("connection lost");
  });
  await Promise.all(channels.map(({ log }) => publish(log, "A")));
  isLost = true;
  await Promise.all(channels.map(({ log }) => publish(log, "B")));
  for (const { channelId } of channels) expect(await logged(channelId)).toEqual(["1 A", "2 B"]);
});

test("events of more than 8 MiB are several commands", async () => {
  const { bulks, channels } = await process(3);
  const large = "M".repeat(900 * 1024);
  await Promise.all(channels.flatMap(({ log }) => [1, 2, 3, 4].map((n) => publish(log, `${large}${n}`))));
  expect(bulks).toEqual([10, 5]);
});

test("a command has at most 900 operations, so that the driver does not cut a fence from its events", async () => {
  const { bulks, channels } = await process(10);
  const upTo = (count: number) => Array.from({ length: count }, (_, index) => `M${index}`);
  await Promise.all(channels.flatMap(({ log }) => upTo(150).map((messageId) => publish(log, messageId))));
  expect(bulks).toEqual([755, 755]);
});
