import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { createCommandQueue } from "#connector/commands/command-queue.ts";
import { rescueOrphans } from "#connector/commands/rescue-orphans.ts";
import { openEventLog } from "#connector/events/event-log.ts";
import { createPublishedStatuses } from "#connector/events/published-statuses.ts";
import { createMessageStatuses } from "#connector/messages/message-status.ts";
import { createMessageStore } from "#connector/messages/message-store.ts";
import { FencedError } from "#connector/ownership/fence.ts";
import type { CommandDocument } from "#shared/collections.ts";
import { commandDocument, fileDatabase } from "../connector.fixture.ts";

const file = fileDatabase();
const account = "15550100009@s.whatsapp.net";
const messageId = "3EB0AAAA";
const facts = { messageId, to: "15550100001@s.whatsapp.net", type: "text" };

/** What an owner writes through, without having settled anything. */
async function owner(channelId: string, epoch: number) {
  const fence = { channelId, epoch };
  const events = await openEventLog(file.all.events, fence);
  const publishedStatuses = createPublishedStatuses(file.all, channelId);
  const queue = createCommandQueue(file.all.commands, fence, `connector ${epoch}`);
  const messageStore = createMessageStore(file.all, channelId);
  const messageStatuses = createMessageStatuses({
    events,
    publishedStatuses,
    messageStore,
    onArrived: queue.settleUnknown,
  });
  return {
    queue,
    publishedStatuses,
    messageStatuses,
    events,
    settle: () => rescueOrphans({ queue, publishedStatuses, messageStatuses }),
  };
}

type Owner = Awaited<ReturnType<typeof owner>>;

interface Left {
  what: string;
  fields?: Partial<CommandDocument>;
  /** What the former owner came to do after it claimed. */
  before(former: Owner, command: CommandDocument): Promise<unknown>;
  becomes: object;
  publishedStatuses: string[];
}

const begin = ({ queue }: Owner, { _id }: CommandDocument) => queue.startRelay(_id, messageId, account);
const tell = ({ messageStatuses }: Owner, status: "sent" | "unknown" | "delivered") =>
  messageStatuses.publish({ messageId, status });

const lefts: Left[] = [
  {
    what: "was only claimed",
    before: async () => undefined,
    becomes: { state: "queued" },
    publishedStatuses: [],
  },
  {
    what: "may have left",
    before: begin,
    becomes: { state: "unknown", result: { ...facts, status: "unknown" } },
    publishedStatuses: ["unknown"],
  },
  {
    what: "left, and was publishedStatuses to be sent",
    before: async (former, command) => [await begin(former, command), await tell(former, "sent")],
    becomes: { state: "succeeded", result: { ...facts, status: "sent" } },
    publishedStatuses: ["sent"],
  },
  {
    what: "left, and was publishedStatuses to be delivered although nobody answered",
    before: async (former, command) => [
      await begin(former, command),
      await tell(former, "unknown"),
      await tell(former, "delivered"),
    ],
    becomes: { state: "succeeded" },
    publishedStatuses: ["unknown", "delivered"],
  },
  {
    what: "left, and was publishedStatuses to be refused",
    before: async (former, command) => [
      await begin(former, command),
      await former.messageStatuses.publish({
        messageId,
        status: "failed",
        error: { code: "whatsapp_rejected", whatsappCode: 479 },
      }),
    ],
    becomes: {
      state: "failed",
      error: { code: "whatsapp_rejected", details: { messageId, whatsappCode: 479 } },
    },
    publishedStatuses: ["failed"],
  },
  {
    what: "was publishedStatuses to have failed before it left",
    before: (former, { ord }) =>
      former.messageStatuses.publishNotSent({ messageId, ord }, "media_unavailable"),
    becomes: { state: "failed", error: { code: "media_unavailable", details: { messageId } } },
    publishedStatuses: ["failed"],
  },
  {
    what: "was publishedStatuses to be given up",
    before: async (former, command) => [
      await begin(former, command),
      await former.messageStatuses.publishNotSent({ messageId, ord: command.ord }, "not_sent"),
    ],
    becomes: { state: "dead", error: { code: "not_sent" } },
    publishedStatuses: ["failed"],
  },
  {
    what: "cannot be asked for twice",
    fields: { type: "channel.request_pairing_code", payload: { phoneNumber: "15550100001" }, lane: 0 },
    before: async () => undefined,
    becomes: { state: "unknown", result: { status: "unknown" }, doneAt: expect.any(Date) },
    publishedStatuses: [],
  },
  {
    what: "changes nothing when it is done twice",
    fields: { type: "channel.logout", payload: {}, lane: 0 },
    before: async () => undefined,
    becomes: { state: "queued" },
    publishedStatuses: [],
  },
];

describe("what a former owner left running and", () => {
  test.each(lefts)("$what", async ({ fields, before, becomes, publishedStatuses }) => {
    const channelId = randomUUID();
    const command = commandDocument(channelId, fields ?? { messageId });
    await file.all.commands.insertOne(command);
    const former = await owner(channelId, 1);
    const [claimed] = await former.queue.claim([0, 1], 1);
    if (!claimed) throw new Error("Nothing was claimed");
    await before(former, claimed);
    for (const epoch of [2, 3]) {
      await (await owner(channelId, epoch)).settle();
      expect(await file.all.commands.findOne({ _id: command._id })).toMatchObject(becomes);
    }
    const events = await file.all.events
      .find({ channelId, seq: { $exists: true } })
      .sort({ seq: 1 })
      .toArray();
    expect(events.map(({ data }) => data.status)).toEqual(publishedStatuses);
  });
});

test("an unknown send is the next owner's: the former one cannot send it again, nor complete it", async () => {
  const channelId = randomUUID();
  const command = commandDocument(channelId, { messageId });
  await file.all.commands.insertOne(command);
  const former = await owner(channelId, 1);
  await former.queue.claim([1], 1);
  await begin(former, command);
  const next = await owner(channelId, 2);
  await next.settle();
  const last = await owner(channelId, 3);
  await last.settle();
  expect(await next.queue.startResend(command._id)).toBe(false);
  await next.queue.settleUnknown(messageId);
  await expect(tell(next, "sent")).rejects.toThrow(FencedError);
  expect(await last.queue.startResend(command._id)).toBe(true);
  await next.queue.undoResend(command._id);
  expect(await last.queue.startResend(command._id)).toBe(false);
  expect(await file.all.commands.findOne({ _id: command._id })).toMatchObject({
    state: "unknown",
    claim: { epoch: 3 },
  });
});

test("what is unknown although the events has it as arrived is completed", async () => {
  const channelId = randomUUID();
  const command = commandDocument(channelId, {
    ...{ messageId, state: "unknown", relayStartedAt: new Date(), resentAt: new Date() },
    claim: { connector: "gone", epoch: 1, at: new Date() },
  });
  await file.all.commands.insertOne(command);
  const former = await owner(channelId, 1);
  await former.events.publish(
    "message_status_update",
    { messageId, status: "sent" },
    `${channelId}/${messageId}/sent`,
  );
  await (await owner(channelId, 2)).settle();
  expect(await file.all.commands.findOne({ _id: command._id })).toMatchObject({ state: "succeeded" });
});

test("what a deposed owner takes late is settled at the next look", async () => {
  const channelId = randomUUID();
  const former = await owner(channelId, 1);
  const next = await owner(channelId, 2);
  await next.settle();
  const [early, late] = [commandDocument(channelId), commandDocument(channelId, { messageId })];
  await file.all.commands.insertMany([early, late]);
  await former.queue.claim([1], 2);
  await begin(former, late);
  await next.settle();
  const states = await file.all.commands.find({ channelId }).sort({ ord: 1 }).toArray();
  expect(states.map(({ state }) => state)).toEqual(["queued", "unknown"]);
});
