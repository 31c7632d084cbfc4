import { randomUUID } from "node:crypto";
import { expect } from "vitest";
import { createSocketCaches } from "#connector/baileys/caches.ts";
import { settleAbandoned } from "#connector/commands/abandoned.ts";
import { commandQueue } from "#connector/commands/command-queue.ts";
import { createPace } from "#connector/concurrency/pace.ts";
import { openEventLog } from "#connector/events/event-log.ts";
import { toldIn } from "#connector/events/told.ts";
import { createDelivery } from "#connector/messages/delivery.ts";
import { messageRecord } from "#connector/messages/message-record.ts";
import { createRecipients } from "#connector/outbound/recipients.ts";
import { createSender, type Sending } from "#connector/outbound/sender.ts";
import type { Fence } from "#connector/ownership/fence.ts";
import type { CommandDocument } from "#shared/collections.ts";
import type { Collections } from "#shared/database.ts";
import { eventually } from "#test/support/eventually.ts";
import { commandDocument, quiet } from "../connector-fixture.ts";
import { type Answers, fakeSocket } from "./fake-socket.ts";

/** The sender of one channel on its real queue, log and record, over a socket whose server is made up. */
export async function senderOn(
  all: Collections,
  answers: Answers = {},
  ackMs = 20_000,
  { channelId, epoch }: Fence = { channelId: randomUUID(), epoch: 1 },
) {
  const fence = { channelId, epoch };
  const queue = commandQueue(all.commands, fence, "me");
  const record = messageRecord(all, channelId);
  const log = await openEventLog(all.events, fence);
  const told = toldIn(all, channelId);
  const delivery = createDelivery({ log, told, record, onArrived: queue.settleUnknown });
  await settleAbandoned({ queue, delivery, told });
  const socket = fakeSocket(answers);
  const gone = new AbortController();
  let last = gone;
  const now = { sending: { kind: "open", wa: socket.wa, gone: gone.signal } as Sending, isOwner: true };
  const errors: unknown[] = [];
  const made = createSender({
    ...{ queue, delivery, record, ackMs },
    pace: createPace(0, 1),
    preparation: {
      caches: createSocketCaches(),
      recipients: createRecipients(),
      fetchMedia: () => Promise.reject(new Error("no media here")),
      log: quiet,
    },
    sending: () => now.sending,
    isOwner: () => now.isOwner,
    log: quiet,
    signal: new AbortController().signal,
    onError: (error) => errors.push(error),
  });
  /** Loses the socket and opens another one, with another server behind it. */
  const reopen = (next: Answers = {}) => {
    now.sending = { kind: "closed" };
    last.abort();
    last = new AbortController();
    const opened = fakeSocket(next);
    now.sending = { kind: "open", wa: opened.wa, gone: last.signal };
    made.ring();
    return opened;
  };
  const insert = async (count: number, fields: Partial<CommandDocument> = {}) => {
    const commands: CommandDocument[] = [];
    for (let n = 0; n < count; n++) {
      const messageId = `3EB0${randomUUID().replaceAll("-", "").slice(0, 12).toUpperCase()}`;
      const command = commandDocument(channelId, { messageId, ...fields });
      await all.commands.insertOne(command);
      commands.push(command);
    }
    return commands;
  };
  const read = async ({ _id }: CommandDocument) => (await all.commands.findOne({ _id })) as CommandDocument;
  const settled = (command: CommandDocument) =>
    eventually(async () => ((await read(command)).doneAt ? read(command) : null));
  /** Waits until exactly these statuses were told of a message, in this order. */
  const hears = async ({ messageId }: CommandDocument, ...statuses: string[]) => {
    await eventually(async () => {
      const events = await all.events
        .find({ channelId, "data.messageId": messageId })
        .sort({ seq: 1 })
        .toArray();
      expect(events.map(({ data }) => data.status)).toEqual(statuses);
      return true;
    });
  };
  return {
    channelId,
    sender: made,
    socket,
    gone,
    now,
    errors,
    reopen,
    insert,
    read,
    settled,
    hears,
    delivery,
  };
}
