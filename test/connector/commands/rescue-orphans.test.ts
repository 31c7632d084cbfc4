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
import { commandDocument } from "#test/support/documents.ts";
import { fileDatabase } from "../connector.fixture.ts";
import { noAnnouncements as announcements, sentText, testSeal } from "../messages/messages.fixture.ts";

const file = fileDatabase();
const account = "15550100009@s.whatsapp.net";
const messageId = "3EB0AAAA";
const facts = { messageId, to: "15550100001@s.whatsapp.net", type: "text" };

/** An owner's stores, before it rescues anything. */
async function owner(channelId: string, epoch: number) {
  const fence = { channelId, epoch };
  const events = await openEventLog(file.all.events, fence);
  const publishedStatuses = createPublishedStatuses(file.all, channelId);
  const queue = createCommandQueue(file.all.commands, fence, `connector ${epoch}`);
  const messageStore = createMessageStore(file.all, channelId, testSeal(channelId));
  const messageStatuses = createMessageStatuses({
    events,
    publishedStatuses,
    messageStore,
    onArrived: queue.settleUnknown,
    onError: () => undefined,
  });
  return {
    queue,
    messageStore,
    publishedStatuses,
    messageStatuses,
    events,
    rescue: () =>
      rescueOrphans({ fence, queue, publishedStatuses, messageStatuses, messageStore, announcements }),
  };
}

type Owner = Awaited<ReturnType<typeof owner>>;

interface Case {
  title: string;
  fields?: Partial<CommandDocument>;
  /** The former owner's acts after its claim. */
  before(former: Owner, command: CommandDocument): Promise<unknown>;
  /** The command after the rescue. */
  rescued: object;
  /** The published statuses after the rescue. */
  statuses: string[];
}

const begin = ({ messageStore }: Owner, _command: CommandDocument) =>
  messageStore.sending(...sentText(messageId, facts.to, "Hello"));
const publish = ({ messageStatuses }: Owner, status: "sent" | "unknown" | "delivered") =>
  messageStatuses.publish({ messageId, status });

const cases: Case[] = [
  {
    title: "a send that was claimed for the wire, but not recorded, is queued again",
    before: async () => undefined,
    rescued: { state: "queued" },
    statuses: [],
  },
  {
    title: "a send that may have left is `unknown`",
    before: begin,
    rescued: { state: "unknown", result: { ...facts, status: "unknown" } },
    statuses: ["unknown"],
  },
  {
    title: "a send published as `sent` has succeeded",
    before: async (former, command) => [await begin(former, command), await publish(former, "sent")],
    rescued: { state: "succeeded", result: { ...facts, status: "sent" } },
    statuses: ["sent"],
  },
  {
    title: "a send published as `unknown` and then `delivered` has succeeded",
    before: async (former, command) => [
      await begin(former, command),
      await publish(former, "unknown"),
      await publish(former, "delivered"),
    ],
    rescued: { state: "succeeded" },
    statuses: ["unknown", "delivered"],
  },
  {
    title: "a send published as refused by WhatsApp has failed",
    before: async (former, command) => [
      await begin(former, command),
      await former.messageStatuses.publish({
        messageId,
        status: "failed",
        error: { code: "whatsapp_rejected", whatsappCode: 479 },
      }),
    ],
    rescued: {
      state: "failed",
      error: { code: "whatsapp_rejected", details: { messageId, whatsappCode: 479 } },
    },
    statuses: ["failed"],
  },
  {
    title: "a send published as failed before the wire has failed",
    before: (former, { ord }) =>
      former.messageStatuses.publishNotSent({ messageId, ord }, "media_unavailable"),
    rescued: { state: "failed", error: { code: "media_unavailable", details: { messageId } } },
    statuses: ["failed"],
  },
  {
    title: "a send published as not sent is `dead`",
    before: async (former, command) => [
      await begin(former, command),
      await former.messageStatuses.publishNotSent({ messageId, ord: command.ord }, "not_sent"),
    ],
    rescued: { state: "dead", error: { code: "not_sent" } },
    statuses: ["failed"],
  },
  {
    title: "a command that must not be repeated is `unknown`",
    fields: { type: "channel.request_pairing_code", payload: { phoneNumber: "15550100001" }, lane: 0 },
    before: async () => undefined,
    rescued: { state: "unknown", result: { status: "unknown" }, doneAt: expect.any(Date) },
    statuses: [],
  },
  {
    title: "a command that can be repeated is queued again",
    fields: { type: "channel.logout", payload: {}, lane: 0 },
    before: async () => undefined,
    rescued: { state: "queued" },
    statuses: [],
  },
];

describe("after the rescue of orphans", () => {
  test.each(cases)("$title", async ({ fields, before, rescued, statuses }) => {
    const channelId = randomUUID();
    const command = commandDocument(channelId, fields ?? { messageId });
    await file.all.commands.insertOne(command);
    const former = await owner(channelId, 1);
    const [control] = await former.queue.claim([0], 1);
    const { sends } = await former.queue.claimBegun(account, 1);
    const claimed = control ?? sends[0];
    if (!claimed) throw new Error("Nothing was claimed");
    await before(former, claimed);
    for (const epoch of [2, 3]) {
      await (await owner(channelId, epoch)).rescue();
      expect(await file.all.commands.findOne({ _id: command._id })).toMatchObject(rescued);
    }
    const events = await file.all.events
      .find({ channelId, seq: { $exists: true } })
      .sort({ seq: 1 })
      .toArray();
    expect(events.map(({ data }) => data.status)).toEqual(statuses);
  });
});

test("an `unknown` send belongs to the latest owner: a former one can neither resend nor complete it", async () => {
  const channelId = randomUUID();
  const command = commandDocument(channelId, { messageId });
  await file.all.commands.insertOne(command);
  const former = await owner(channelId, 1);
  await former.queue.claimBegun(account, 1);
  await begin(former, command);
  const next = await owner(channelId, 2);
  await next.rescue();
  const last = await owner(channelId, 3);
  await last.rescue();
  expect(await next.queue.startResend(command._id)).toBe(false);
  await next.queue.settleUnknown(messageId);
  await expect(publish(next, "sent")).rejects.toThrow(FencedError);
  expect(await last.queue.startResend(command._id)).toBe(true);
  await next.queue.undoResend(command._id);
  expect(await last.queue.startResend(command._id)).toBe(false);
  expect(await file.all.commands.findOne({ _id: command._id })).toMatchObject({
    state: "unknown",
    claim: { epoch: 3 },
  });
});

test("an `unknown` send that the log has as `sent` succeeds", async () => {
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
  await (await owner(channelId, 2)).rescue();
  expect(await file.all.commands.findOne({ _id: command._id })).toMatchObject({ state: "succeeded" });
});

test("a command that a deposed owner claims late is rescued by the next sweep", async () => {
  const channelId = randomUUID();
  const former = await owner(channelId, 1);
  const next = await owner(channelId, 2);
  await next.rescue();
  const [early, late] = [commandDocument(channelId), commandDocument(channelId, { messageId })];
  await file.all.commands.insertMany([early, late]);
  await former.queue.claimBegun(account, 2);
  await begin(former, late);
  await next.rescue();
  const states = await file.all.commands.find({ channelId }).sort({ ord: 1 }).toArray();
  expect(states.map(({ state }) => state)).toEqual(["queued", "unknown"]);
});
