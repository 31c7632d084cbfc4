import { randomUUID } from "node:crypto";
import { ObjectId } from "mongodb";
import { describe, expect, test } from "vitest";
import { createCommandQueue } from "#connector/commands/command-queue.ts";
import { FencedError } from "#connector/ownership/fence.ts";
import type { CommandDocument } from "#shared/collections.ts";
import { eventually } from "#test/support/eventually.ts";
import { commandDocument, fileDatabase } from "../connector.fixture.ts";
import { senderOn } from "../outbound/sender.fixture.ts";

const file = fileDatabase();
const future = new Date(Date.now() + 365 * 86_400_000);
const control = { type: "channel.connect", payload: {}, lane: 0 } as const;

async function insert(channelId: string, count: number, fields: Partial<CommandDocument> = {}) {
  const ids: string[] = [];
  for (let n = 0; n < count; n++) {
    const document = commandDocument(channelId, fields);
    await file.all.commands.insertOne(document);
    ids.push(document._id);
  }
  return ids;
}

const read = async (_id: string) => (await file.all.commands.findOne({ _id })) as CommandDocument;

/** Owners one after the other: each claims, is told to die, and the next one takes back what it had. */
async function* owners(channelId: string) {
  for (let epoch = 1; ; epoch++) {
    const queue = createCommandQueue(file.all.commands, { channelId, epoch }, `connector ${epoch}`);
    await queue.settleOrphans((await queue.orphans()).map((command) => ({ command, next: "queue" })));
    yield queue;
  }
}

describe("a command whose claims end with their process", () => {
  test("is dead when it is found the fourth time, and stops nothing any more", async () => {
    const channelId = randomUUID();
    const [poison = "", next = ""] = await insert(channelId, 2);
    const found: string[][] = [];
    for await (const queue of owners(channelId)) {
      found.push((await queue.claim([1], 1)).map(({ _id }) => _id));
      if (found.length === 4) break;
    }
    expect(found).toEqual([[poison], [poison], [poison], [next]]);
    expect(await read(poison)).toMatchObject({
      state: "dead",
      attempts: 3,
      error: { code: "not_sent" },
      doneAt: expect.any(Date),
    });
  });

  test("goes alone from the second time on, in its place, so that its neighbours' attempts are not spent with it", async () => {
    const channelId = randomUUID();
    const [a = "", poison = "", c = ""] = await insert(channelId, 3);
    const claimed: string[] = [];
    for await (const queue of owners(channelId)) {
      const isDead = async () => {
        for (let batch = await queue.claim([1], 16); batch.length > 0; batch = await queue.claim([1], 16)) {
          for (const { _id } of batch) {
            claimed.push(_id);
            if (_id === poison) return true;
            await queue.settle(_id, { state: "succeeded", result: {} });
          }
        }
        return false;
      };
      if (!(await isDead())) break;
    }
    expect(claimed).toEqual([a, poison, poison, poison, c]);
    const states = await Promise.all([a, poison, c].map(read));
    expect(states.map(({ state }) => state)).toEqual(["succeeded", "dead", "succeeded"]);
    expect(states.map(({ attempts }) => attempts)).toEqual([1, 3, 2]);
  });

  test("is told to have failed, and can be sent when its caller queues it again", async () => {
    const here = await senderOn(file.all);
    const [dead] = (await here.insert(1, { attempts: 3 })) as [CommandDocument];
    here.sender.ring();
    expect(await here.settled(dead)).toMatchObject({ state: "dead" });
    await here.hears(dead, "failed");
    await file.all.commands.updateOne({ _id: dead._id }, [
      { $set: { state: "queued", attempts: 0, ord: "$$CLUSTER_TIME" } },
      { $unset: ["claim", "error", "doneAt"] },
    ]);
    here.sender.ring();
    await eventually(async () => (await here.read(dead)).state === "succeeded");
    await here.hears(dead, "failed", "sent");
  });

  test("and is none of a message says only that, when it is dead", async () => {
    const channelId = randomUUID();
    const [id = ""] = await insert(channelId, 1, { ...control, attempts: 3 });
    const queue = createCommandQueue(file.all.commands, { channelId, epoch: 1 }, "me");
    expect(await queue.claim([0], 8)).toEqual([]);
    expect(await read(id)).toMatchObject({ state: "dead", error: { code: "internal" } });
  });
});

test("control is claimed at once, whatever stands in the message lanes", async () => {
  const channelId = randomUUID();
  await insert(channelId, 40);
  await insert(channelId, 1, { attempts: 2 });
  const [id = ""] = await insert(channelId, 1, control);
  const queue = createCommandQueue(file.all.commands, { channelId, epoch: 1 }, "me");
  await queue.claim([1, 2], 16);
  expect((await queue.claim([0], 8)).map(({ _id }) => _id)).toEqual([id]);
});

test("what is too old is ended although it was not to begin before some far day", async () => {
  const channelId = randomUUID();
  const [id = ""] = await insert(channelId, 1, { notBefore: future, expiresAt: new Date(0) });
  const queue = createCommandQueue(file.all.commands, { channelId, epoch: 1 }, "me");
  expect(await queue.claim([1], 8)).toEqual([]);
  expect((await read(id)).state).toBe("expired");
});

test("a command that is expired twice, since its caller queued it again, is told of twice; of each time once", async () => {
  const here = await senderOn(file.all);
  const [old] = (await here.insert(1, { expiresAt: new Date(0) })) as [CommandDocument];
  here.sender.ring();
  expect(await here.settled(old)).toMatchObject({ state: "expired" });
  await here.hears(old, "failed");
  await file.all.commands.updateOne({ _id: old._id }, [
    { $set: { state: "queued", ord: "$$CLUSTER_TIME" } },
    { $unset: ["claim", "error", "doneAt"] },
  ]);
  here.sender.ring();
  expect(await here.settled(old)).toMatchObject({ state: "expired" });
  await here.hears(old, "failed", "failed");
});

/** As another service may have forged it: it says for itself that it was adopted. */
const forged: Array<[string, Record<string, unknown>, string]> = [
  ["no payload", { payload: null }, "payload"],
  ["a list for a payload", { payload: [] }, "payload"],
  ["a huge payload", { payload: { to: "x".repeat(2_000_000) } }, "payload.to"],
  [
    "a thousand fields too many",
    { payload: Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`f${n}`, n])) },
    "payload.f0",
  ],
  ["a message id that is a number", { messageId: 5 }, "messageId"],
  ["a message id that is null", { messageId: null }, "messageId"],
  ["a lane out of range", { lane: 7 }, "lane"],
  ["a lane that is a word", { lane: "fast" }, "lane"],
  ["no lane", { lane: undefined }, "attempts"],
  ["an expiry that is a word", { expiresAt: "tomorrow" }, "expiresAt"],
  ["a beginning that is a number", { notBefore: 5 }, "notBefore"],
  ["no order", { ord: "first" }, "attempts"],
  ["attempts that are a word", { attempts: "none" }, "attempts"],
  ["an _id that is a number", { _id: Math.random() }, "_id"],
  ["an _id that is a document", { _id: { a: Math.random() } }, "_id"],
  ["a type that nobody knows", { type: "message.shout" }, "type"],
  ["a type that is a number", { type: 5 }, "type"],
];

test.each(forged)(
  "a queued document with %s fails and says where, and what is behind it is sent",
  async (_what, fields, field) => {
    const here = await senderOn(file.all);
    const { channelId } = here;
    const bad = { ...commandDocument(channelId), ...fields } as Record<string, unknown>;
    if (bad.lane === undefined) delete bad.lane;
    const raw = file.database.db.collection<{ _id: unknown; state?: string }>("commands");
    await raw.insertOne(bad as { _id: unknown });
    const [good] = (await here.insert(1)) as [CommandDocument];
    here.sender.ring();
    expect(await here.settled(good)).toMatchObject({ state: "succeeded" });
    expect(await eventually(() => raw.findOne({ _id: bad._id, state: "failed" } as object))).toMatchObject({
      error: {
        code: "invalid_command",
        details: expect.arrayContaining([expect.objectContaining({ field })]),
      },
      doneAt: expect.any(Date),
    });
    expect(here.errors).toEqual([]);
  },
);

test("a command that was inserted without an _id is carried out", async () => {
  const here = await senderOn(file.all);
  const _id = new ObjectId() as unknown as string;
  const [command] = (await here.insert(1, { _id })) as [CommandDocument];
  here.sender.ring();
  expect(await here.settled(command)).toMatchObject({ state: "succeeded" });
});

describe("a former owner that stood still while it was succeeded", () => {
  const queueOf = (channelId: string, epoch: number, isHeld = () => true) =>
    createCommandQueue(file.all.commands, { channelId, epoch, isHeld }, `connector ${epoch}`);

  test("claims nothing of what was queued then, when it goes on: its successor would have to wait for it", async () => {
    const channelId = randomUUID();
    const former = queueOf(channelId, 1);
    const ids = await insert(channelId, 2);
    const successor = queueOf(channelId, 2);
    await successor.reserve();
    expect(await former.claim([1], 16)).toEqual([]);
    expect((await successor.claim([1], 16)).map(({ _id }) => _id)).toEqual(ids);
  });

  test("claims nothing of what it had and was put back", async () => {
    const channelId = randomUUID();
    const former = queueOf(channelId, 1);
    const [_id = ""] = await insert(channelId, 1);
    await former.claim([1], 1);
    const successor = queueOf(channelId, 2);
    await successor.reserve();
    await successor.settleOrphans((await successor.orphans()).map((command) => ({ command, next: "queue" })));
    expect(await former.claim([1], 1)).toEqual([]);
    expect(await read(_id)).toMatchObject({ state: "queued" });
  });

  test("claims nothing of what came since: it knows by its own clock", async () => {
    const channelId = randomUUID();
    const [_id = ""] = await insert(channelId, 1);
    await expect(queueOf(channelId, 1, () => false).claim([1], 1)).rejects.toThrow(FencedError);
    expect(await read(_id)).toMatchObject({ state: "queued" });
  });
});
