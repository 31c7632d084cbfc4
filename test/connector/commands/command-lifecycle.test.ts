import { randomUUID } from "node:crypto";
import fc from "fast-check";
import type { Document } from "mongodb";
import { describe, expect, test } from "vitest";
import type { ReportUnclaimable } from "#connector/commands/claim.ts";
import { commandSteps } from "#connector/commands/command-lifecycle.ts";
import { type CommandQueue, createCommandQueue } from "#connector/commands/command-queue.ts";
import { rescueOrphans } from "#connector/commands/rescue-orphans.ts";
import { openEventLog } from "#connector/events/event-log.ts";
import { createPublishedStatuses } from "#connector/events/published-statuses.ts";
import { createMessageStatuses, type MessageStatuses } from "#connector/messages/message-status.ts";
import { createMessageStore, type MessageStore } from "#connector/messages/message-store.ts";
import type { CommandDocument } from "#shared/collections.ts";
import { commandStates } from "#shared/commands.ts";
import { commandDocument } from "#test/support/documents.ts";
import { fileDatabase } from "../connector.fixture.ts";
import { noAnnouncements as announcements, sentText, testSeal } from "../messages/messages.fixture.ts";
import { type Happening, happen, invariants, newWorld, type World } from "./command.model.ts";

const file = fileDatabase();
const account = "15550100009@s.whatsapp.net";

const each = [
  ...["begin", "leave", "requeue", "accepted", "refused", "silence", "refuse", "markDead"],
  ...["resend", "undoResend", "receipt", "pass", "cancel", "retry", "late"],
] as const as ReadonlyArray<Extract<Happening, { n: number }>["type"]>;

const happening = (count: number): fc.Arbitrary<Happening> =>
  fc.oneof(
    { weight: 2, arbitrary: fc.constant<Happening>({ type: "claim" }) },
    { weight: 2, arbitrary: fc.constant<Happening>({ type: "claimOne" }) },
    { weight: 2, arbitrary: fc.constant<Happening>({ type: "takeover" }) },
    // More weight for the steps of a normal send, so that walks get far.
    {
      weight: 8,
      arbitrary: fc.record({
        type: fc.constantFrom("begin", "leave", "silence", "resend"),
        n: fc.nat(count - 1),
      }),
    },
    { weight: 8, arbitrary: fc.record({ type: fc.constantFrom(...each), n: fc.nat(count - 1) }) },
  ) as fc.Arbitrary<Happening>;

function broken({ commands }: World): string[] {
  return commands.flatMap((command) =>
    Object.entries(invariants)
      .filter(([, holds]) => !holds(command))
      .map(([name]) => `${name}: ${command.states} published ${command.published}`),
  );
}

describe("the steps of a command", () => {
  test("break no invariant on any walk", () => {
    fc.assert(
      fc.property(fc.array(happening(2), { maxLength: 60, size: "max" }), (walk) => {
        const world = newWorld(2);
        for (const next of walk) {
          happen(world, next);
          expect(broken(world)).toEqual([]);
        }
      }),
      { numRuns: 1_500 },
    );
  });

  test("reach every state and a second copy on random walks", () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(fc.array(happening(2), { maxLength: 60, size: "max" }), (walk) => {
        const world = newWorld(2);
        for (const next of walk) happen(world, next);
        for (const { states, copies, isResent } of world.commands) {
          for (const state of states) seen.add(state);
          if (copies === 2 && isResent) seen.add("two copies");
        }
      }),
      { numRuns: 3_000 },
    );
    expect([...seen].toSorted()).toEqual([...commandStates, "two copies"].toSorted());
  });

  test("lead to known states, and only `begin` and `resend` stay in theirs", () => {
    for (const { from, to } of Object.values(commandSteps)) {
      expect(commandStates).toEqual(expect.arrayContaining([...from, to]));
    }
    const stays = Object.entries(commandSteps).filter(([, { from, to }]) => from.some((one) => one === to));
    expect(stays.map(([name]) => name)).toEqual(["begin", "resend"]);
  });
});

interface Owner {
  queue: CommandQueue;
  messageStatuses: MessageStatuses;
  messageStore: MessageStore;
  report: ReportUnclaimable;
}

/** Takes the channel over as a connector does, on the real collections. */
async function own(channelId: string, epoch: number): Promise<Owner> {
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
  await rescueOrphans({ fence, queue, messageStatuses, publishedStatuses, messageStore, announcements });
  const report: ReportUnclaimable = async (unclaimable) => {
    for (const { command, settlement } of unclaimable) {
      const { messageId = "", ord } = command;
      await messageStatuses.publishNotSent({ messageId, ord }, settlement.error.code);
    }
  };
  return { queue, messageStatuses, messageStore, report };
}

const error = { code: "not_sent", message: "Not sent" } as const;
const result = { status: "sent" };

type Perform = (owner: Owner, command: CommandDocument & { messageId: string }) => Promise<unknown>;

const change = (_id: string, from: CommandDocument["state"][], to: Document[]) =>
  file.all.commands.updateOne({ _id, state: { $in: from } }, to);

/** How the product, WhatsApp and callers carry out each happening. */
const performs: { [T in Exclude<Happening["type"], "claim" | "claimOne" | "takeover">]: Perform } = {
  begin: ({ messageStore }, { messageId }) => messageStore.sending(...sentText(messageId, account, "Hello")),
  leave: async ({ messageStatuses }, { messageId }) => messageStatuses.begin(messageId),
  requeue: ({ queue }, { _id }) => queue.unclaim([_id]),
  async accepted({ queue, messageStatuses }, { _id, messageId }) {
    await messageStatuses.publish({ messageId, status: "sent" });
    await queue.settle(_id, { state: "succeeded", result });
  },
  async refused({ queue, messageStatuses }, { _id, messageId }) {
    await messageStatuses.publish({
      messageId,
      status: "failed",
      error: { code: "whatsapp_rejected", whatsappCode: 479 },
    });
    await queue.settle(_id, { state: "failed", error });
  },
  async silence({ queue, messageStatuses }, { _id, messageId }) {
    await messageStatuses.publish({ messageId, status: "unknown" });
    await queue.settle(_id, { state: "unknown", result: { status: "unknown" } });
    await messageStatuses.publish({ messageId, status: "unknown" });
  },
  async refuse({ queue, messageStatuses }, { _id, messageId, ord }) {
    await messageStatuses.publishNotSent({ messageId, ord }, "media_unavailable");
    await queue.settle(_id, { state: "failed", error });
  },
  async markDead({ queue, messageStatuses }, { _id, messageId, ord }) {
    await messageStatuses.publishNotSent({ messageId, ord }, "not_sent");
    await queue.settle(_id, { state: "dead", error });
  },
  resend: ({ queue }, { _id }) => queue.startResend(_id),
  undoResend: ({ queue }, { _id }) => queue.undoResend(_id),
  receipt: ({ messageStatuses }, { messageId }) =>
    messageStatuses.publish({ messageId, status: "delivered" }),
  pass: (_owner, { _id }) => file.all.commands.updateOne({ _id }, { $set: { expiresAt: new Date(0) } }),
  cancel: (_owner, { _id }) => change(_id, ["queued"], [{ $set: { state: "cancelled" } }]),
  retry: (_owner, { _id }) =>
    change(
      _id,
      ["dead", "expired"],
      [
        {
          $set: {
            ...{ state: "queued", ord: "$$CLUSTER_TIME", attempts: 0 },
            expiresAt: { $dateAdd: { startDate: "$$NOW", unit: "minute", amount: 10 } },
          },
        },
        { $unset: ["claim", "error", "result", "doneAt", "relayStartedAt", "resentAt"] },
      ],
    ),
  async late({ queue }, { _id, messageId }) {
    await queue.unclaim([_id]);
    await queue.settle(_id, { state: "failed", error });
    await queue.startResend(_id);
    await queue.undoResend(_id);
    await queue.settleUnknown(messageId);
  },
};

/** Excludes only what WhatsApp and the queue's caller never do; the queue itself must withstand everything else. */
function isPossible({ type, n }: Extract<Happening, { n: number }>, { commands }: World): boolean {
  const command = commands[n];
  if (!command) return false;
  const { state, copies, isBegun, isResent, published } = command;
  const isOut = state === "running" && copies > 0;
  const hasArrived = published.includes("sent") || published.includes("delivered");
  // The product records only what it has claimed.
  if (type === "begin") return state === "running" && !command.isOverdue;
  if (type === "leave") return state === "running" && isBegun && copies === 0;
  if (type === "accepted") return isOut || (state === "unknown" && isResent);
  if (type === "silence") return isOut;
  if (type === "refused") return isOut && !hasArrived;
  if (type === "requeue" || type === "refuse" || type === "markDead")
    return state === "running" && copies === 0;
  if (type === "undoResend") return state === "unknown" && isResent && !hasArrived;
  if (type === "receipt") return copies > 0 && !published.includes("failed");
  return true;
}

async function stored(channelId: string, ids: readonly string[]) {
  const documents = await file.all.commands.find({ channelId }).toArray();
  const recorded = new Set(await file.all.messages.distinct("messageId", { channelId }));
  const events = await file.all.events
    .find({ channelId, seq: { $exists: true } })
    .sort({ seq: 1 })
    .toArray();
  return ids.map((id) => {
    const found = documents.find(({ _id }) => _id === id);
    const published = events
      .filter(({ data }) => data.messageId === found?.messageId)
      .map(({ _id, data }) => (_id.split("/").length > 3 ? "not_sent" : data.status));
    const isBegun = recorded.has(found?.messageId ?? "");
    return {
      ...{ state: found?.state, attempts: found?.attempts, isBegun, published },
      isResent: found?.resentAt !== undefined,
    };
  });
}

test("the queue, the log and the takeover on the real database match the model after every happening", {
  timeout: 240_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(happening(2), { minLength: 8, maxLength: 30, size: "max" }), async (walk) => {
      const channelId = randomUUID();
      const world = newWorld(2);
      const commands = [0, 1].map((n) =>
        commandDocument(channelId, { messageId: `3EB0${n}${channelId.slice(0, 8).toUpperCase()}` }),
      );
      for (const command of commands) await file.all.commands.insertOne(command);
      const ids = commands.map(({ _id }) => _id);
      let former: Owner | null = null;
      let owner = await own(channelId, world.epoch);
      for (const next of walk) {
        if (next.type === "claim") {
          await owner.queue.claimBegun(account, 1, owner.report);
        } else if (next.type === "claimOne") {
          await owner.queue.claimOne(account, owner.report);
        } else if (next.type === "takeover") {
          former = owner;
          owner = await own(channelId, world.epoch + 1);
        } else {
          if (!isPossible(next, world)) continue;
          const command = await file.all.commands.findOne({ _id: ids[next.n] ?? "" });
          const actor = next.type === "late" ? former : owner;
          if (actor && command?.messageId)
            await performs[next.type](actor, { ...command, messageId: command.messageId });
        }
        happen(world, next);
        const expected = world.commands.map(({ state, attempts, isBegun, isResent, published }) => ({
          ...{ state, attempts, isBegun, isResent, published },
        }));
        expect(await stored(channelId, ids), JSON.stringify(next)).toEqual(expected);
      }
    }),
    { numRuns: 25 },
  );
});
