import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { adoptForeignCommands } from "#connector/commands/adopt-foreign-commands.ts";
import { createCommandQueue } from "#connector/commands/command-queue.ts";
import { findForeignCommands } from "#connector/commands/foreign-commands.ts";
import { refuseStrays } from "#connector/commands/refuse-strays.ts";
import { rescueOrphans } from "#connector/commands/rescue-orphans.ts";
import type { CommandDocument } from "#shared/collections.ts";
import { commandDocument } from "#test/support/documents.ts";
import { fileDatabase } from "../connector.fixture.ts";

const file = fileDatabase();
const account = "15550100009@s.whatsapp.net";
const me = { connector: "me", epoch: 2, at: new Date() };

async function insert(
  count: number,
  fields: (n: number) => Partial<CommandDocument> & { channelId: string },
) {
  const documents = Array.from({ length: count }, (_, n) => {
    const { channelId, ...rest } = fields(n);
    return commandDocument(channelId, rest);
  });
  await file.all.commands.insertMany(documents);
}

function queueOf(channelId: string) {
  return createCommandQueue(file.all.commands, { channelId, epoch: 2 }, "me");
}

test("500 orphans are found at a time", async () => {
  const channelId = randomUUID();
  await insert(501, () => ({ channelId, state: "running", claim: { ...me, epoch: 1 } }));
  expect(await queueOf(channelId).orphans()).toHaveLength(500);
});

test("500 sends go to the wire a second time over one socket", async () => {
  const channelId = randomUUID();
  const sent = { state: "unknown", claim: me, relayStartedAt: new Date(), relayedBy: account } as const;
  await insert(501, () => ({ channelId, ...sent }));
  expect(await queueOf(channelId).resendable(account)).toHaveLength(500);
});

test("expired commands are published and settled 100 at a time", async () => {
  const channelId = randomUUID();
  await insert(250, () => ({ channelId, expiresAt: new Date(0) }));
  const reported: number[] = [];
  await queueOf(channelId).expire(async (expired) => void reported.push(expired.length));
  expect(reported).toEqual([100, 100, 50]);
});

test("a command above 2 MB is refused unread, one below is claimed", async () => {
  const channelId = randomUUID();
  const to = "15550100001@s.whatsapp.net";
  const padded = (characters: number) => ({
    payload: { to, content: { type: "text", text: "Hello" } },
    keyId: "x".repeat(characters),
  });
  await insert(1, () => ({ channelId, ...padded(2 * 1_048_576) }));
  await insert(1, () => ({ channelId, ...padded(2 * 1_048_576 - 2_000) }));
  expect(await queueOf(channelId).claim([1, 2], 16)).toHaveLength(1);
  // A refused document keeps its `_id` alone.
  expect(await file.all.commands.countDocuments({ channelId })).toBe(1);
});

test("a claim by a higher epoch counts, but not by one that no owner can have", async () => {
  const channelId = randomUUID();
  await insert(1, () => ({ channelId, state: "running", claim: { ...me, epoch: 3 } }));
  await insert(1, () => ({ channelId, state: "running", claim: { ...me, epoch: 1_000_002 } }));
  expect((await queueOf(channelId).orphans()).map(({ claim }) => claim?.epoch)).toEqual([1_000_002]);
});

test("the strays of 500 channels that do not exist are refused at a time", async () => {
  await insert(501, (n) => ({ channelId: `stray-${n}` }));
  const open = async () =>
    (await file.all.commands.distinct("channelId", { state: { $in: ["queued", "running"] } })).length;
  const before = await open();
  await refuseStrays(file.all);
  expect(before - (await open())).toBe(500);
  await refuseStrays(file.all);
  expect(await open()).toBe(0);
});

test("a rescue ends after 20 passes, also when orphans are found again and again", async () => {
  let passes = 0;
  await rescueOrphans({
    queue: {
      async orphans() {
        passes++;
        return [commandDocument("x", { type: "channel.connect", state: "running" })];
      },
      settleOrphans: async () => undefined,
    },
    messageStatuses: { publish: async () => undefined },
    publishedStatuses: { outcomes: async () => new Map() },
    messageStore: { own: async () => new Map(), recorded: async () => [] },
    announcements: { announce: async () => undefined },
    fence: { channelId: "x", epoch: 1 },
  });
  expect(passes).toBe(20);
});

/** Documents as another service inserts them, which are not valid. */
async function insertForeign(count: number, fields: object): Promise<void> {
  const documents = Array.from({ length: count }, () => ({ _id: randomUUID(), type: "nonsense", ...fields }));
  await file.all.commands.insertMany(documents as never[]);
}

test("one run of adoption takes 20 pages of 500; the next run goes on", async () => {
  const channelId = "x".repeat(101);
  await insertForeign(10_001, { channelId });
  const left = () => file.all.commands.countDocuments({ channelId, state: { $exists: false } } as object);
  const run = () => adoptForeignCommands(file.all, 60, () => undefined, new AbortController().signal);
  await run();
  expect(await left()).toBe(1);
  await run();
  expect(await left()).toBe(0);
}, 120_000);

test("a page of foreign commands has 32 MB and the document in which it reaches them", async () => {
  const channelId = randomUUID();
  await insertForeign(40, { channelId, note: "x".repeat(1_000_000) });
  const { found, isMore } = await findForeignCommands(file.all.commands, { channelId }, 500);
  expect({ count: found.length, isMore }).toEqual({ count: 34, isMore: true });
});

test("adoption looks up no channel whose id is longer than 100 characters", async () => {
  const usual = "y".repeat(100);
  const long = "y".repeat(101);
  await insertForeign(1, { channelId: usual });
  await insertForeign(1, { channelId: long });
  const asked: unknown[] = [];
  const channels = new Proxy(file.all.channels, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      return (...values: unknown[]) => {
        if (name === "distinct") asked.push(values[1]);
        return value.apply(target, values);
      };
    },
  });
  await adoptForeignCommands({ ...file.all, channels }, 60, () => undefined, new AbortController().signal);
  const ids = asked.flatMap((filter) => (filter as { _id: { $in: string[] } })._id.$in);
  expect([usual, long].map((id) => ids.includes(id))).toEqual([true, false]);
});
