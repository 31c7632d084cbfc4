import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { ReportUnclaimable } from "#connector/commands/claim.ts";
import { type CommandQueue, createCommandQueue } from "#connector/commands/command-queue.ts";
import type { CommandDocument } from "#shared/collections.ts";
import { commandDocument } from "#test/support/documents.ts";
import { fileDatabase } from "../connector.fixture.ts";

const file = fileDatabase();
const account = "15550100009@s.whatsapp.net";

const past = new Date(Date.now() - 60_000);
const future = new Date(Date.now() + 600_000);
const control = { type: "channel.connect", payload: {}, lane: 0 } as const;
const notSent = { code: "not_sent", message: "Not sent" } as const;

/** A channel, new unless given, with its owner's queue. */
function queueOf(channelId: string = randomUUID(), epoch = 1) {
  return {
    channelId,
    queue: createCommandQueue(file.all.commands, { channelId, epoch }, `connector ${epoch}`),
  };
}

async function insert(channelId: string, ...fields: Array<Partial<CommandDocument>>): Promise<string[]> {
  const ids: string[] = [];
  for (const each of fields) {
    const document = commandDocument(channelId, each);
    await file.all.commands.insertOne(document);
    ids.push(document._id);
  }
  return ids;
}

async function read(id: string | undefined): Promise<CommandDocument> {
  const found = await file.all.commands.findOne({ _id: id ?? "" });
  if (!found) throw new Error("The command does not exist");
  return found;
}

/** Records the commands that are settled instead of claimed. */
function recordUnclaimable() {
  const reported: Array<[string, string]> = [];
  const report: ReportUnclaimable = async (unclaimable) => {
    reported.push(
      ...unclaimable.map(({ command, settlement }): [string, string] => [command._id, settlement.state]),
    );
  };
  return { reported, report };
}

const idsOf = (found: CommandDocument[]) => found.map(({ _id }) => _id);

describe("a claim", () => {
  test("is first in, first out within a lane, and takes the more urgent lane first", async () => {
    const { channelId, queue } = queueOf();
    const write = async (writer: string) => {
      for (let n = 0; n < 20; n++) {
        await insert(channelId, { _id: `${channelId}/${writer}/${n}`, lane: n % 2 === 0 ? 2 : 1 });
      }
    };
    await Promise.all(["a", "b", "c"].map(write));
    const claimed = await queue.claim([1, 2], 100);
    expect(claimed.map(({ lane }) => lane)).toEqual([...Array(30).fill(1), ...Array(30).fill(2)]);
    for (const writer of ["a", "b", "c"]) {
      for (const odd of [1, 0]) {
        const mine = idsOf(claimed).filter((id) => id.startsWith(`${channelId}/${writer}/`));
        const numbers = mine.map((id) => Number(id.split("/")[2])).filter((n) => n % 2 === odd);
        expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
        expect(numbers).toHaveLength(10);
      }
    }
  });

  test("takes only the requested lanes, up to the limit, and nothing twice", async () => {
    const { channelId, queue } = queueOf();
    const ids = await insert(channelId, control, { lane: 1 }, { lane: 2 }, { lane: 1 });
    expect(idsOf(await queue.claim([0], 8))).toEqual([ids[0]]);
    expect(idsOf(await queue.claim([1, 2], 2))).toEqual([ids[1], ids[3]]);
    expect(idsOf(await queue.claim([1, 2], 2))).toEqual([ids[2]]);
    expect(await queue.claim([0, 1, 2], 8)).toEqual([]);
  });

  test("stores the connector and the epoch, and counts the attempt", async () => {
    const { channelId, queue } = queueOf(randomUUID(), 7);
    const [id] = await insert(channelId, {});
    await queue.claim([1], 1);
    expect(await read(id)).toMatchObject({
      state: "running",
      attempts: 1,
      claim: { connector: "connector 7", epoch: 7, at: expect.any(Date) },
    });
  });

  test("gives each command to only one of two owners that claim at the same time", async () => {
    const { channelId, queue } = queueOf();
    await insert(channelId, ...Array.from({ length: 40 }, () => ({})));
    const other = queueOf(channelId, 2).queue;
    const both = await Promise.all([queue, other].map((each) => each.claim([1], 40)));
    const all = both.flatMap(idsOf);
    expect(new Set(all).size).toBe(all.length);
    const stamped = await file.all.commands.find({ channelId, state: "running" }).toArray();
    expect(all.toSorted()).toEqual(idsOf(stamped).toSorted());
  });

  test("takes no command of another channel, none that is not due and none that has ended", async () => {
    const { channelId, queue } = queueOf();
    await insert(randomUUID(), {});
    await insert(channelId, { notBefore: future }, { state: "succeeded" }, { state: "cancelled" });
    expect(await queue.claim([0, 1, 2], 8)).toEqual([]);
  });
});

describe("an overdue command", () => {
  test("expires instead of being claimed, and is reported", async () => {
    const { channelId, queue } = queueOf();
    const [old, fresh] = await insert(channelId, { expiresAt: past }, {});
    const { reported, report } = recordUnclaimable();
    const claimed = await queue.claim([1], 8, report);
    expect([reported, idsOf(claimed)]).toEqual([[[old, "expired"]], [fresh]]);
    expect(await read(old)).toMatchObject({
      state: "expired",
      attempts: 0,
      error: { code: "expired" },
      doneAt: expect.any(Date),
    });
  });

  test("expires without a claim of the others", async () => {
    const { channelId, queue } = queueOf();
    const [old, fresh] = await insert(channelId, { expiresAt: past }, {});
    const { reported, report } = recordUnclaimable();
    await queue.expire(report);
    await queue.expire(report);
    expect(reported).toEqual([[old, "expired"]]);
    expect((await read(fresh)).state).toBe("queued");
  });
});

describe("a settlement", () => {
  test("is stored literally, whatever it contains", async () => {
    const { channelId, queue } = queueOf();
    const ids = await insert(channelId, {}, {}, {});
    await queue.claim([1], 8);
    await Promise.all([
      queue.settle(ids[0] ?? "", { state: "succeeded", result: { price: "$attempts", n: 1 } }),
      queue.settle(ids[1] ?? "", { state: "dead", error: notSent }),
      queue.settle(ids[2] ?? "", { state: "unknown", result: { status: "unknown" } }),
    ]);
    expect(await read(ids[0])).toMatchObject({
      state: "succeeded",
      result: { price: "$attempts", n: 1 },
      doneAt: expect.any(Date),
    });
    expect(await read(ids[1])).toMatchObject({ state: "dead", error: notSent, doneAt: expect.any(Date) });
    expect(await read(ids[2])).toMatchObject({ state: "unknown", result: { status: "unknown" } });
  });

  test("by a former owner changes nothing", async () => {
    const { channelId, queue: former } = queueOf();
    const [id] = await insert(channelId, {});
    await former.claim([1], 8);
    const { queue: owner } = queueOf(channelId, 2);
    await requeueOrphans(owner);
    await owner.claim([1], 8);
    await former.settle(id ?? "", { state: "failed", error: notSent });
    await former.unclaim([id ?? ""]);
    expect(await former.claimBegun(account, 8)).toEqual({ sends: [], isMore: false });
    expect(await read(id)).toMatchObject({ state: "running", attempts: 2, claim: { epoch: 2 } });
    expect(await read(id)).not.toHaveProperty("relayStartedAt");
  });

  test("does not change a command that has ended", async () => {
    const { channelId, queue } = queueOf();
    const [id = ""] = await insert(channelId, {});
    await queue.claim([1], 8);
    await queue.settle(id, { state: "succeeded", result: {} });
    await queue.settle(id, { state: "failed", error: notSent });
    expect((await read(id)).state).toBe("succeeded");
  });

  test("by a later receipt completes only an `unknown` send", async () => {
    const { channelId, queue } = queueOf();
    const sent = { messageId: "3EB0AA", to: "x", type: "text", status: "unknown" };
    const [unknown, failed] = await insert(
      channelId,
      { state: "unknown", messageId: "3EB0AA", result: sent, claim: { connector: "me", epoch: 1, at: past } },
      { state: "failed", messageId: "3EB0BB", error: notSent },
    );
    await queue.settleUnknown("3EB0AA");
    await queue.settleUnknown("3EB0BB");
    expect(await read(unknown)).toMatchObject({ state: "succeeded", result: { ...sent, status: "sent" } });
    expect((await read(failed)).state).toBe("failed");
  });
});

test("an unclaimed command keeps its place and loses no attempt", async () => {
  const { channelId, queue } = queueOf();
  const ids = await insert(channelId, {}, {}, {});
  const { sends } = await queue.claimBegun(account, 2);
  await queue.unclaim(ids.slice(0, 2));
  const { messageId } = sends[1] ?? {};
  expect(await read(ids[1])).toMatchObject({ state: "queued", attempts: 0, messageId });
  expect(await read(ids[1])).not.toHaveProperty("claim");
  expect(await read(ids[1])).not.toHaveProperty("relayStartedAt");
  expect(idsOf(await queue.claim([1], 8))).toEqual(ids);
});

test("claiming sends for the wire stores the time, the account and a message id, and says whether there may be more", async () => {
  const { channelId, queue } = queueOf();
  const [id, withId] = await insert(channelId, {}, { messageId: "3EB0DDDD" });
  const { sends, isMore } = await queue.claimBegun(account, 2);
  expect(isMore).toBe(true);
  expect(await queue.claimBegun(account, 2)).toEqual({ sends: [], isMore: false });
  const marks = { state: "running", relayStartedAt: expect.any(Date), relayedBy: account };
  expect(await read(id)).toMatchObject({ ...marks, messageId: sends[0]?.messageId });
  expect(await read(withId)).toMatchObject({ ...marks, messageId: "3EB0DDDD" });
});

/** Queues every orphan again. */
async function requeueOrphans(queue: CommandQueue) {
  await queue.settleOrphans((await queue.orphans()).map((command) => ({ command, next: "queue" })));
}

test("the next owner finds the orphans of a former one, and settles those that have not changed since", async () => {
  const { channelId, queue: former } = queueOf();
  const [claimed = "", begun = "", waiting = ""] = await insert(channelId, {}, {}, {});
  await former.claimBegun(account, 2);
  const { queue: owner } = queueOf(channelId, 2);
  const [mine = ""] = await insert(channelId, control);
  await owner.claim([0], 1);
  const found = await owner.orphans();
  expect(idsOf(found)).toEqual([claimed, begun]);
  // The former owner, which has not yet noticed that it was deposed, takes it back and claims it once more.
  await former.unclaim([begun]);
  await former.claimBegun(account, 1);
  await owner.settleOrphans(found.map((command) => ({ command, next: "queue" })));
  expect(idsOf(await owner.orphans())).toEqual([begun]);
  const unknown = { state: "unknown", result: { status: "unknown" } } as const;
  await owner.settleOrphans((await owner.orphans()).map((command) => ({ command, next: unknown })));
  expect(await read(begun)).toMatchObject({ ...unknown, claim: { epoch: 2 }, doneAt: expect.any(Date) });
  expect((await read(mine)).state).toBe("running");
  expect(idsOf(await owner.claim([1], 8))).toEqual([claimed]);
  expect(idsOf(await owner.claim([1], 8))).toEqual([waiting]);
  expect(await owner.orphans()).toEqual([]);
});
