import type { Document } from "mongodb";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sleep } from "#shared/sleep.ts";
import { pairedChannel, type TestChannel } from "../support/pairing.ts";
import { type Operation, profiled } from "../support/profiled.ts";
import { type OneProcess, startSystem } from "../support/system.ts";

/** `npm run test:growth` runs the same with a million, which takes minutes. */
const rowsMany = Number(process.env.GROWTH_ROWS ?? 12_000);
/** More than any page or batch holds, so that a full page is compared with a full page. */
const rowsFew = 6_000;
const channels = 20;
const fillMs = 900_000;

let system: OneProcess;
let channel: TestChannel;

beforeAll(async () => {
  system = await startSystem({ timings: { sweepMs: 1_000 } });
  channel = await pairedChannel(system, "15550100421");
});

afterAll(() => system[Symbol.asyncDispose]());

/**
 * Adds rows to the log and to the queue as if they were sent last minute, a share of them by the channel of the test. The
 * database makes them, since nothing else could add a million in a minute.
 */
async function addRows(from: number, to: number): Promise<void> {
  const { db } = system.database;
  const newest = await system.collections.events.findOne(
    { channelId: channel.channelId, seq: { $exists: true } },
    { sort: { seq: -1 } },
  );
  const last = newest?.seq ?? 0;
  const count = to - from;
  const n = { $add: [from, "$n"] };
  const isOwn = { $eq: [{ $mod: ["$n", channels] }, 0] };
  const place = { $floor: { $divide: ["$n", channels] } };
  const other = { $concat: ["other ", { $toString: { $mod: ["$n", channels] } }] };
  const text = { $toString: n };
  const long = { $toLong: n };
  const row = {
    channelId: { $cond: [isOwn, channel.channelId, other] },
  };
  const rows: Document[] = [
    { $documents: [{ all: { $range: [0, Math.ceil(count / 1_000)] } }] },
    { $unwind: "$all" },
    { $set: { each: { $range: [0, 1_000] } } },
    { $unwind: "$each" },
    { $project: { _id: 0, n: { $add: [{ $multiply: ["$all", 1_000] }, "$each"] } } },
  ];
  const into = (collection: string) => ({ $merge: { into: collection, whenMatched: "fail" } });
  const event = {
    ...row,
    _id: { $concat: ["event ", text] },
    seq: { $cond: [isOwn, { $add: [last + 1, place] }, { $add: [long, 1] }] },
    epoch: 1,
    type: "message_status_update",
    timestamp: "$$NOW",
    data: { messageId: text, status: "sent" },
  };
  const command = {
    ...row,
    _id: { $concat: ["command ", text] },
    type: "message.send",
    lane: 1,
    state: "succeeded",
    payload: { to: "15550100001@s.whatsapp.net", content: { type: "text", text: "Hello" } },
    messageId: { $concat: ["M", text] },
    attempts: 1,
    notBefore: "$$NOW",
    expiresAt: "$$NOW",
    createdAt: "$$NOW",
    doneAt: "$$NOW",
    result: { messageId: text, status: "sent" },
  };
  // The time of the statement: pages sort what has the same by channel and number.
  const ordered = { $set: { ord: "$$CLUSTER_TIME" } };
  await db.aggregate([...rows, { $replaceWith: event }, ordered, into("events")]).toArray();
  await db.aggregate([...rows, { $replaceWith: command }, ordered, into("commands")]).toArray();
}

/** Names what an operation asks for, whatever it asks about. */
function shapeOf({ op, ns, command }: Operation): string {
  const { filter, q, query, pipeline, sort } = command;
  const asked: Document = filter ?? q ?? query ?? pipeline?.[0]?.$match ?? {};
  return `${op} ${ns.split(".").at(-1)} ${Object.keys(asked)} ${Object.keys(sort ?? {})}`;
}

/** Does what the product does all day. Resolves to the most index keys and documents that each kind of operation examined. */
async function examined(): Promise<Map<string, number>> {
  const { channelId } = channel;
  const api = system.api();
  const operations = await profiled(system.database.db, async () => {
    for (let sent = 0; sent < 3; sent++) {
      const answer = await api.post(`/channels/${channelId}/send`, { to: "15550100422", message: "Hello" });
      expect(answer.status).toBe(200);
    }
    for (const path of [
      `/channels/${channelId}/events?limit=100`,
      `/channels/${channelId}/commands?limit=100`,
      "/events?limit=100",
      "/channels?limit=100",
      `/channels/${channelId}`,
    ]) {
      expect((await api.get(path)).status, path).toBe(200);
    }
    // Two sweeps.
    await sleep(2_500);
  });
  const most = new Map<string, number>();
  for (const operation of operations) {
    const { keysExamined = 0, docsExamined = 0 } = operation;
    const shape = shapeOf(operation);
    most.set(shape, Math.max(most.get(shape) ?? 0, keysExamined + docsExamined));
  }
  return most;
}

test(
  `no operation of a send, a page or a sweep examines more with ${rowsMany} events and commands than with ${rowsFew}`,
  async () => {
    const measure = async (from: number, to: number) => {
      await system.stop();
      await addRows(from, to);
      await system.start();
      await channel.becomes("active");
      await examined();
      return await examined();
    };
    const few = await measure(0, rowsFew);
    const many = await measure(rowsFew, rowsMany);
    expect(await system.collections.events.countDocuments()).toBeGreaterThanOrEqual(rowsMany);
    expect(many.size).toBeGreaterThan(15);
    const grown = [...many].filter(([shape, count]) => count > (few.get(shape) ?? 20) + 10);
    expect(grown).toEqual([]);
  },
  2 * fillMs,
);
