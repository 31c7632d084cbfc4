import { randomUUID } from "node:crypto";
import { MongoClient, ObjectId } from "mongodb";
import { describe, expect, inject, test } from "vitest";
import { createCommandQueue } from "#connector/commands/command-queue.ts";
import { FencedError } from "#connector/ownership/fence.ts";
import type { CommandDocument } from "#shared/collections.ts";
import { collections } from "#shared/database.ts";
import { commandDocument } from "#test/support/documents.ts";
import { eventually } from "#test/support/eventually.ts";
import { overProxy, tcpProxy } from "#test/support/tcp-proxy.ts";
import { fileDatabase } from "../connector.fixture.ts";
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

/** Owners one after the other: each one queues the orphans of the one before, which died with its claims. */
async function* owners(channelId: string) {
  for (let epoch = 1; ; epoch++) {
    const queue = createCommandQueue(file.all.commands, { channelId, epoch }, `connector ${epoch}`);
    await queue.settleOrphans((await queue.orphans()).map((command) => ({ command, next: "queue" })));
    yield queue;
  }
}

describe("a command whose owners die after claiming it", () => {
  test("is `dead` when it is due for the fourth time, and blocks no later command", async () => {
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

  test("is claimed alone from the second time on, in its place, so that its neighbours lose no attempt", async () => {
    const channelId = randomUUID();
    const [before = "", poison = "", after = ""] = await insert(channelId, 3);
    const claimed: string[] = [];
    for await (const queue of owners(channelId)) {
      const diesOfPoison = async () => {
        for (let batch = await queue.claim([1], 16); batch.length > 0; batch = await queue.claim([1], 16)) {
          for (const { _id } of batch) {
            claimed.push(_id);
            if (_id === poison) return true;
            await queue.settle(_id, { state: "succeeded", result: {} });
          }
        }
        return false;
      };
      if (!(await diesOfPoison())) break;
    }
    expect(claimed).toEqual([before, poison, poison, poison, after]);
    const states = await Promise.all([before, poison, after].map(read));
    expect(states.map(({ state }) => state)).toEqual(["succeeded", "dead", "succeeded"]);
    expect(states.map(({ attempts }) => attempts)).toEqual([1, 3, 2]);
  });

  test("is published as `failed`, and can be sent after its caller retries it", async () => {
    const fixture = await senderOn(file.all);
    const [dead] = (await fixture.insert(1, { attempts: 3 })) as [CommandDocument];
    fixture.sender.ring();
    expect(await fixture.settled(dead)).toMatchObject({ state: "dead" });
    await fixture.expectPublished(dead, "failed");
    await file.all.commands.updateOne({ _id: dead._id }, [
      { $set: { state: "queued", attempts: 0, ord: "$$CLUSTER_TIME" } },
      { $unset: ["claim", "error", "doneAt"] },
    ]);
    fixture.sender.ring();
    await eventually(async () => (await fixture.read(dead)).state === "succeeded");
    await fixture.expectPublished(dead, "failed", "sent");
  });

  test("reports `internal`, not `not_sent`, when it is a dead control command", async () => {
    const channelId = randomUUID();
    const [id = ""] = await insert(channelId, 1, { ...control, attempts: 3 });
    const queue = createCommandQueue(file.all.commands, { channelId, epoch: 1 }, "me");
    expect(await queue.claim([0], 8)).toEqual([]);
    expect(await read(id)).toMatchObject({ state: "dead", error: { code: "internal" } });
  });
});

test("a control command is claimed at once, whatever waits in the message lanes", async () => {
  const channelId = randomUUID();
  await insert(channelId, 40);
  await insert(channelId, 1, { attempts: 2 });
  const [id = ""] = await insert(channelId, 1, control);
  const queue = createCommandQueue(file.all.commands, { channelId, epoch: 1 }, "me");
  await queue.claim([1, 2], 16);
  expect((await queue.claim([0], 8)).map(({ _id }) => _id)).toEqual([id]);
});

test("an overdue command expires even before its `notBefore`", async () => {
  const channelId = randomUUID();
  const [id = ""] = await insert(channelId, 1, { notBefore: future, expiresAt: new Date(0) });
  const queue = createCommandQueue(file.all.commands, { channelId, epoch: 1 }, "me");
  expect(await queue.claim([1], 8)).toEqual([]);
  expect((await read(id)).state).toBe("expired");
});

test("a command that expires again after a retry is published once for each time", async () => {
  const fixture = await senderOn(file.all);
  const [old] = (await fixture.insert(1, { expiresAt: new Date(0) })) as [CommandDocument];
  fixture.sender.ring();
  expect(await fixture.settled(old)).toMatchObject({ state: "expired" });
  await fixture.expectPublished(old, "failed");
  await file.all.commands.updateOne({ _id: old._id }, [
    { $set: { state: "queued", ord: "$$CLUSTER_TIME" } },
    { $unset: ["claim", "error", "doneAt"] },
  ]);
  fixture.sender.ring();
  expect(await fixture.settled(old)).toMatchObject({ state: "expired" });
  await fixture.expectPublished(old, "failed", "failed");
});

/** Stands for a list that contains the channel of the test. */
const inList = "in a list";

/** Documents that another service inserted with the fields of an adopted command. */
const forged: Array<[string, Record<string, unknown>, string]> = [
  ["no payload", { payload: null }, "payload"],
  ["a list for a payload", { payload: [] }, "payload"],
  ["a huge payload", { payload: { to: "x".repeat(2_000_000) } }, "payload.to"],
  [
    "a thousand unknown fields",
    { payload: Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`f${n}`, n])) },
    "payload.f0",
  ],
  ["a message id that is a number", { messageId: 5 }, "messageId"],
  ["a message id that is null", { messageId: null }, "messageId"],
  ["a lane out of range", { lane: 7 }, "lane"],
  ["a lane that is a word", { lane: "fast" }, "lane"],
  ["no lane", { lane: undefined }, "attempts"],
  ["an expiry that is a word", { expiresAt: "tomorrow" }, "expiresAt"],
  ["a `notBefore` that is a number", { notBefore: 5 }, "notBefore"],
  ["an `ord` that is a word", { ord: "first" }, "attempts"],
  ["attempts that are a word", { attempts: "none" }, "attempts"],
  ["an _id that is a number", { _id: Math.random() }, "_id"],
  ["an _id that is a document", { _id: { a: Math.random() } }, "_id"],
  ["an unknown type", { type: "message.shout" }, "type"],
  ["a type that is a number", { type: 5 }, "type"],
  ["a list of channels", { channelId: inList }, "channelId"],
];

test.each(forged)(
  "a queued document with %s fails and names the field, and the send behind it goes out",
  async (_name, fields, field) => {
    const fixture = await senderOn(file.all);
    const { channelId } = fixture;
    const bad = { ...commandDocument(channelId), ...fields } as Record<string, unknown>;
    if (bad.channelId === inList) bad.channelId = ["another", channelId];
    if (bad.lane === undefined) delete bad.lane;
    const raw = file.database.db.collection<{ _id: unknown; state?: string }>("commands");
    await raw.insertOne(bad as { _id: unknown });
    const [good] = (await fixture.insert(1)) as [CommandDocument];
    fixture.sender.ring();
    expect(await fixture.settled(good)).toMatchObject({ state: "succeeded" });
    expect(await eventually(() => raw.findOne({ _id: bad._id, state: "failed" } as object))).toMatchObject({
      error: {
        code: "invalid_command",
        details: expect.arrayContaining([expect.objectContaining({ field })]),
      },
      doneAt: expect.any(Date),
    });
    expect(fixture.errors).toEqual([]);
  },
);

test("a command inserted without an `_id` is carried out", async () => {
  const fixture = await senderOn(file.all);
  const _id = new ObjectId() as unknown as string;
  const [command] = (await fixture.insert(1, { _id })) as [CommandDocument];
  fixture.sender.ring();
  expect(await fixture.settled(command)).toMatchObject({ state: "succeeded" });
});

describe("a former owner that was suspended during the takeover", () => {
  const queueOf = (channelId: string, epoch: number, isHeld = () => true) =>
    createCommandQueue(file.all.commands, { channelId, epoch, isHeld }, `connector ${epoch}`);

  test("claims nothing that was queued at the takeover", async () => {
    const channelId = randomUUID();
    const former = queueOf(channelId, 1);
    const ids = await insert(channelId, 2);
    const successor = queueOf(channelId, 2);
    await successor.reserve();
    expect(await former.claim([1], 16)).toEqual([]);
    expect((await successor.claim([1], 16)).map(({ _id }) => _id)).toEqual(ids);
  });

  test("claims none of its own commands that were queued again", async () => {
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

  test("claims nothing inserted since, because its own clock says that its lease is over", async () => {
    const channelId = randomUUID();
    const [_id = ""] = await insert(channelId, 1);
    await expect(queueOf(channelId, 1, () => false).claim([1], 1)).rejects.toThrow(FencedError);
    expect(await read(_id)).toMatchObject({ state: "queued" });
  });
});

describe("the one send that was just queued", () => {
  const account = "15550100009@s.whatsapp.net";
  const queueOf = (channelId: string) => createCommandQueue(file.all.commands, { channelId, epoch: 1 }, "me");

  test("is claimed for the wire without a look, those before it first", async () => {
    const channelId = randomUUID();
    const queue = queueOf(channelId);
    const [first, second] = await insert(channelId, 2);
    expect(await queue.claimOne(account)).toMatchObject([{ _id: first, messageId: expect.any(String) }]);
    expect(await read(first ?? "")).toMatchObject({
      ...{ state: "running", attempts: 1, claim: { connector: "me", epoch: 1 } },
      ...{ relayStartedAt: expect.any(Date), relayedBy: account },
    });
    expect(await queue.claimOne(account)).toMatchObject([{ _id: second }]);
    expect(await queue.claimOne(account)).toBeNull();
  });

  test.each([
    ["another service's document", { adoptedAt: new Date() }],
    ["a document above 2 MiB", { payload: "x".repeat(2 * 1_048_576) }],
  ])("waits for a look when %s is next", async (_title, fields) => {
    const channelId = randomUUID();
    const [foreign, own] = [...(await insert(channelId, 1, fields)), ...(await insert(channelId, 1))];
    const before = await read(foreign ?? "");
    expect(await queueOf(channelId).claimOne(account)).toBeNull();
    expect(await read(foreign ?? "")).toEqual(before);
    expect((await read(own ?? "")).state).toBe("queued");
  });

  test.each([
    ["is not due yet", { notBefore: future }],
    ["has expired", { expiresAt: new Date(0) }],
    ["was tried too often", { attempts: 3 }],
    ["is a control command", control],
  ])("is not claimed when it %s", async (_title, fields) => {
    const channelId = randomUUID();
    await insert(channelId, 1, fields);
    expect(await queueOf(channelId).claimOne(account)).toBeNull();
  });

  test("is refused, and published as such first, when it is not valid", async () => {
    const channelId = randomUUID();
    const [id = ""] = await insert(channelId, 1, { type: "nonsense" });
    const reported: string[] = [];
    const claimed = await queueOf(channelId).claimOne(account, async (unclaimable) => {
      reported.push(...unclaimable.map(({ command }) => command._id));
      expect((await read(id)).state).toBe("running");
    });
    expect(claimed).toEqual([]);
    expect(reported).toEqual([id]);
    expect(await read(id)).toMatchObject({ state: "failed", error: { code: "invalid_command" } });
  });

  test("is not claimed by an owner past its deadline", async () => {
    const channelId = randomUUID();
    await insert(channelId, 1);
    const fence = { channelId, epoch: 1, isHeld: () => false };
    const queue = createCommandQueue(file.all.commands, fence, "me");
    await expect(queue.claimOne(account)).rejects.toThrow(FencedError);
  });

  test("is claimed although the answer to its claim was lost and the driver asked again", async () => {
    const channelId = randomUUID();
    const [id] = await insert(channelId, 1);
    const mongoUri = inject("mongoUri");
    let isLost = false;
    const loseFirst = (bytes: Buffer) => {
      if (isLost || !bytes.includes("findAndModify")) return;
      isLost = true;
      wire.strand();
      setTimeout(() => {
        wire.cut();
        void wire.mend();
      }, 300);
    };
    await using wire = await tcpProxy(Number(new URL(mongoUri).port), () => loseFirst);
    await using client = await MongoClient.connect(overProxy(wire, mongoUri));
    const { commands } = collections(client.db(file.database.db.databaseName));
    const queue = createCommandQueue(commands, { channelId, epoch: 1 }, "me");
    expect(await queue.claimOne(account)).toMatchObject([{ _id: id }]);
    expect(isLost).toBe(true);
    expect(await read(id ?? "")).toMatchObject({ state: "running", attempts: 1 });
  });
});

describe("the one control command that was just queued", () => {
  const queueOf = (channelId: string) => createCommandQueue(file.all.commands, { channelId, epoch: 1 }, "me");

  test("is claimed without a look, those before it first, and sends are left alone", async () => {
    const channelId = randomUUID();
    const queue = queueOf(channelId);
    const [send] = await insert(channelId, 1);
    const [first, second] = await insert(channelId, 2, control);
    expect(await queue.claimControl()).toMatchObject([{ _id: first }]);
    const claimed = await read(first ?? "");
    expect(claimed).toMatchObject({ state: "running", attempts: 1, claim: { connector: "me", epoch: 1 } });
    expect(claimed).not.toHaveProperty("relayStartedAt");
    expect(claimed).not.toHaveProperty("messageId");
    expect(await queue.claimControl()).toMatchObject([{ _id: second }]);
    expect(await queue.claimControl()).toBeNull();
    expect((await read(send ?? "")).state).toBe("queued");
  });

  test.each([
    ["another service's document is next", { adoptedAt: new Date() }],
    ["it is not due yet", { notBefore: future }],
    ["it has expired", { expiresAt: new Date(0) }],
    ["it was tried too often", { attempts: 3 }],
    ["a newer owner has reserved it", { claimableFrom: 2 }],
  ])("is not claimed when %s", async (_title, fields) => {
    const channelId = randomUUID();
    const [id = ""] = await insert(channelId, 1, { ...control, ...fields });
    const before = await read(id);
    expect(await queueOf(channelId).claimControl()).toBeNull();
    expect(await read(id)).toEqual(before);
  });

  test("is refused when it is not valid", async () => {
    const channelId = randomUUID();
    const [id = ""] = await insert(channelId, 1, { ...control, type: "nonsense" });
    expect(await queueOf(channelId).claimControl()).toEqual([]);
    expect(await read(id)).toMatchObject({ state: "failed", error: { code: "invalid_command" } });
  });
});

test.each([
  ["is due", {}, true],
  ["has expired", { expiresAt: new Date(0) }, false],
  ["is not due yet", { notBefore: future }, false],
  ["was tried too often", { attempts: 3 }, false],
  ["connects nothing", { type: "channel.logout" }, false],
])(
  "a queued command that %s makes a session wait for it before it connects: %s",
  async (_title, fields, waits) => {
    const channelId = randomUUID();
    await insert(channelId, 1, { ...control, ...fields });
    const queue = createCommandQueue(file.all.commands, { channelId, epoch: 1 }, "me");
    expect(await queue.hasPairing()).toBe(waits);
  },
);
