import { randomUUID } from "node:crypto";
import { expect } from "vitest";
import type { DevicesOf } from "#connector/baileys/devices.ts";
import { createSocketCaches } from "#connector/baileys/socket-caches.ts";
import { createCommandQueue } from "#connector/commands/command-queue.ts";
import { rescueOrphans } from "#connector/commands/rescue-orphans.ts";
import { createTokenBucket } from "#connector/concurrency/token-bucket.ts";
import { openEventLog } from "#connector/events/event-log.ts";
import { createPublishedStatuses } from "#connector/events/published-statuses.ts";
import { createAnnouncements } from "#connector/messages/announcements.ts";
import { keyNames } from "#connector/messages/key-names.ts";
import { createMessageStatuses } from "#connector/messages/message-status.ts";
import { createMessageStore } from "#connector/messages/message-store.ts";
import { createRecipients } from "#connector/outbound/recipients.ts";
import { createSender, type Sending } from "#connector/outbound/sender.ts";
import { createUploads } from "#connector/outbound/uploads.ts";
import type { Fence } from "#connector/ownership/fence.ts";
import type { CommandDocument, EventDocument } from "#shared/collections.ts";
import type { Collections } from "#shared/database.ts";
import { commandDocument } from "#test/support/documents.ts";
import { eventually } from "#test/support/eventually.ts";
import { quiet } from "#test/support/quiet-log.ts";
import { testSeal } from "../messages/messages.fixture.ts";
import { sessionScope } from "../session-scope.fixture.ts";
import { type Answers, fakeSocket } from "./fake-socket.fixture.ts";

/** How long a send that is not ready keeps the others waiting. */
const overtakeMs = 200;

const devicesOf: DevicesOf = async (wa, jids) =>
  (await wa.getUSyncDevices([...jids], true, false)).map(({ jid }) => jid);

/** The sender of one channel on its real queue, log and message store, over a fake socket. */
export async function senderOn(
  all: Collections,
  answers: Answers = {},
  ackMs = 20_000,
  { channelId, epoch }: Fence = { channelId: randomUUID(), epoch: 1 },
) {
  const fence = { channelId, epoch };
  const queue = createCommandQueue(all.commands, fence, "me");
  const messageStore = createMessageStore(all, channelId, testSeal(channelId));
  const events = await openEventLog(all.events, fence);
  const publishedStatuses = createPublishedStatuses(all, channelId);
  const messageStatuses = createMessageStatuses({
    events,
    publishedStatuses,
    messageStore,
    onArrived: queue.settleUnknown,
    onError: () => undefined,
  });
  const announcements = createAnnouncements(
    { channelId, now: Date.now },
    { events, keyNames: keyNames(all.apiKeys), ownJid: () => "15550100099@s.whatsapp.net" },
  );
  const stores = { queue, messageStatuses, publishedStatuses, messageStore, announcements };
  await rescueOrphans({ fence, ...stores });
  const socket = fakeSocket(answers);
  const gone = new AbortController();
  let currentGone = gone;
  const now = {
    sending: { kind: "open", wa: socket.wa, gone: gone.signal } as Sending,
    isOwner: true,
    aheadMs: 0,
  };
  const scope = sessionScope({
    channelId,
    isOwner: () => now.isOwner,
    now: () => Date.now() + now.aheadMs,
  });
  const { errors } = scope;
  const sender = createSender(scope, {
    ...{ ...stores, ackMs, overtakeMs },
    bucket: createTokenBucket(0, 1),
    preparation: {
      caches: createSocketCaches(),
      uploads: createUploads({ recipientMs: 5_000, log: quiet }),
      chatTimers: { of: async () => null },
      recipients: createRecipients({ recipientMs: 5_000, devicesOf }),
      fetchMedia: () => Promise.reject(new Error("no media here")),
      log: quiet,
    },
    sending: () => now.sending,
  });
  /** Closes the socket and opens another, with another server behind it. */
  const reopen = (next: Answers = {}) => {
    now.sending = { kind: "closed" };
    currentGone.abort();
    currentGone = new AbortController();
    const opened = fakeSocket(next);
    now.sending = { kind: "open", wa: opened.wa, gone: currentGone.signal };
    sender.ring();
    return opened;
  };
  const newSend = (fields: Partial<CommandDocument> = {}) => {
    const messageId = `3EB0${randomUUID().replaceAll("-", "").slice(0, 12).toUpperCase()}`;
    return commandDocument(channelId, { messageId, ...fields });
  };
  const insert = async (count: number, fields: Partial<CommandDocument> = {}) => {
    const commands: CommandDocument[] = [];
    for (let n = 0; n < count; n++) {
      const command = newSend(fields);
      await all.commands.insertOne(command);
      commands.push(command);
    }
    return commands;
  };
  const read = async ({ _id }: CommandDocument) => (await all.commands.findOne({ _id })) as CommandDocument;
  const settled = (command: CommandDocument) =>
    eventually(async () => ((await read(command)).doneAt ? read(command) : null));
  /** Waits until exactly these statuses of a message are published, in this order. */
  const expectPublished = async ({ messageId }: CommandDocument, ...statuses: string[]) => {
    await eventually(async () => {
      const events = await all.events
        .find({ channelId, "data.messageId": messageId })
        .sort({ seq: 1 })
        .toArray();
      const [updates, others] = [isUpdate, (event: EventDocument) => !isUpdate(event)].map((is) =>
        events.filter(is),
      );
      expect(updates?.map(({ data }) => data.status)).toEqual(statuses);
      expectAnnounced(others, updates);
      return true;
    });
  };
  return {
    channelId,
    sender,
    socket,
    gone,
    now,
    errors,
    reopen,
    newSend,
    insert,
    read,
    settled,
    expectPublished,
    messageStatuses,
  };
}

const isUpdate = ({ type }: EventDocument) => type === "message_status_update";

/** A send is announced once at most, and before any status of a message that was on the wire. */
function expectAnnounced(announcements: EventDocument[] = [], updates: EventDocument[] = []): void {
  expect(announcements.length).toBeLessThanOrEqual(1);
  const [announced] = announcements;
  const first = updates.find(({ data }) => data.status !== "failed");
  if (first && announced?.type !== "outgoing_message") throw new Error("The send was not announced");
  if (first && announced) expect(announced.seq).toBeLessThan(first.seq);
}
