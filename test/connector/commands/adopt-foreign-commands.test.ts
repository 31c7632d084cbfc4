import { randomUUID } from "node:crypto";
import { BSONRegExp, Code, type Document, Long, MinKey, Timestamp } from "mongodb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { adoptForeignCommands } from "#connector/commands/adopt-foreign-commands.ts";
import { createCommandQueue } from "#connector/commands/command-queue.ts";
import { refuseStrays } from "#connector/commands/refuse-strays.ts";
import { channelDocument, commandDocument } from "#test/support/documents.ts";
import { type ForeignWriter, foreignWriter, notUtf8, secondChannelId } from "#test/support/foreign-writer.ts";
import { fileDatabase } from "../connector.fixture.ts";

const file = fileDatabase();
const channelId = randomUUID();
const deletedId = randomUUID();
const ttlSeconds = 600;

beforeAll(async () => {
  const deleted = channelDocument({ _id: deletedId, deletedAt: new Date() });
  await file.all.channels.insertMany([channelDocument({ _id: channelId }), deleted]);
});

const adopt = async () => {
  const rung = new Set<string>();
  await adoptForeignCommands(
    file.all,
    ttlSeconds,
    (channelId) => rung.add(channelId),
    new AbortController().signal,
  );
  return [...rung];
};
const validSend = () => ({
  channelId,
  type: "message.send",
  payload: { to: "15550100001", content: { type: "text", text: "Hello" } },
});

/** Inserts a document as another service would, and adopts it. Resolves to the document after adoption. */
async function insertAndAdopt(fields: Record<string, unknown>) {
  const _id = fields._id ?? randomUUID();
  const commands = file.database.db.collection<{ _id: unknown }>("commands");
  await commands.insertOne({ ...fields, _id });
  const rung = await adopt();
  const document = (await commands.findOne({ _id })) as Record<string, unknown> | null;
  if (!document) throw new Error("The document is gone");
  return { rung, document };
}

describe("a valid document", () => {
  test("is queued with every field of a command, and its channel is rung", async () => {
    const { rung, document } = await insertAndAdopt(validSend());
    expect(rung).toEqual([channelId]);
    expect(document).toMatchObject({
      ...validSend(),
      state: "queued",
      lane: 1,
      attempts: 0,
      ord: expect.anything(),
      notBefore: expect.any(Date),
      createdAt: document.notBefore,
    });
    expect(Number(document.expiresAt) - Number(document.createdAt)).toBe(ttlSeconds * 1_000);
  });

  test("keeps its own lane, message id and dates", async () => {
    const chosen = {
      lane: 2,
      messageId: "ABCDEF0123",
      notBefore: new Date(Date.now() + 1_000),
      expiresAt: new Date(Date.now() + 60_000),
    };
    expect((await insertAndAdopt({ ...validSend(), ...chosen })).document).toMatchObject({
      ...chosen,
      state: "queued",
    });
  });

  test("lives from the moment that it may first go", async () => {
    const notBefore = new Date(Date.now() + 86_400_000);
    const { document } = await insertAndAdopt({ ...validSend(), notBefore });
    expect(Number(document.expiresAt) - Number(notBefore)).toBe(ttlSeconds * 1_000);
    const past = await insertAndAdopt({ ...validSend(), notBefore: new Date(0) });
    expect(Number(past.document.expiresAt)).toBeGreaterThan(Date.now());
  });

  test.each([
    ["state `queued`", { state: "queued" }],
    ["state `queued` and a lane", { state: "queued", lane: 2 }],
    ["state `queued` and a `notBefore`", { state: "queued", notBefore: new Date(0) }],
    ["state null", { state: null, attempts: null }],
  ])("is adopted even with %s", async (_name, fields) => {
    const { rung, document } = await insertAndAdopt({ ...validSend(), ...fields });
    expect(rung).toEqual([channelId]);
    expect(document).toMatchObject({ lane: 1, ...fields, ...adoptedFields });
  });

  test.each(["channel.connect", "channel.disconnect", "channel.logout", "channel.delete"])(
    "is put into the control lane when its type is %s",
    async (type) => {
      expect((await insertAndAdopt({ channelId, type, payload: {} })).document).toMatchObject({
        state: "queued",
        lane: 0,
      });
    },
  );

  test("is left alone once it has been adopted", async () => {
    const command = commandDocument(channelId, { state: "cancelled" });
    await file.all.commands.insertOne(command);
    await adopt();
    expect(await file.all.commands.findOne({ _id: command._id })).toMatchObject({ state: "cancelled" });
  });
});

const adoptedFields = {
  state: "queued",
  attempts: 0,
  ord: expect.any(Timestamp),
  expiresAt: expect.any(Date),
};

const text = { to: "15550100001", content: { type: "text", text: "Hello" } };

/** The mistake, the document, and the field that the error names. */
const malformed: Array<[string, Record<string, unknown>, string]> = [
  ["an _id that is a number", { ...validSend(), _id: 7 }, "_id"],
  ["no channel", { type: "message.send", payload: text }, "channelId"],
  ["a channel that does not exist", { ...validSend(), channelId: "nowhere" }, "channelId"],
  ["a channel that is an object", { ...validSend(), channelId: { $ne: null } }, "channelId"],
  ["a deleted channel", { ...validSend(), channelId: deletedId }, "channelId"],
  ["the state of an ended command", { ...validSend(), state: "succeeded" }, "state"],
  ["the state of a running command", { ...validSend(), state: "running" }, "state"],
  ["an unknown state", { ...validSend(), state: "bogus" }, "state"],
  ["an unknown state and attempts", { ...validSend(), state: "bogus", attempts: 0 }, "state"],
  ["a state that is an object", { ...validSend(), state: { is: "queued" } }, "state"],
  ["no type", { channelId, payload: text }, "type"],
  ["an unknown type", { ...validSend(), type: "message.shout" }, "type"],
  ["the name of a property of every object as its type", { ...validSend(), type: "constructor" }, "type"],
  ["a lane that does not exist", { ...validSend(), lane: 3 }, "lane"],
  ["a message in the control lane", { ...validSend(), lane: 0 }, "lane"],
  [
    "a control command in a message lane",
    { channelId, type: "channel.logout", payload: {}, lane: 1 },
    "lane",
  ],
  ["a malformed message id", { ...validSend(), messageId: "hello world" }, "messageId"],
  ["a `notBefore` that is a word", { ...validSend(), notBefore: "tomorrow" }, "notBefore"],
  ["a `notBefore` beyond every calendar", { ...validSend(), notBefore: new Date(8.64e15) }, "notBefore"],
  ["an expiry beyond every calendar", { ...validSend(), expiresAt: new Date(8.64e15) }, "expiresAt"],
  ["an expiry that is a number", { ...validSend(), expiresAt: 5 }, "expiresAt"],
  ["an expiry that is a word", { ...validSend(), expiresAt: "tomorrow" }, "expiresAt"],
  ["a payload that is null", { ...validSend(), payload: null }, "payload"],
  ["a payload that is a list", { ...validSend(), payload: [] }, "payload"],
  ["a message id that is a number", { ...validSend(), messageId: 12_345_678 }, "messageId"],
  ["no payload", { channelId, type: "message.send" }, "payload"],
  ["a payload that is a string", { ...validSend(), payload: "Hello" }, "payload"],
  ["an invalid recipient", { ...validSend(), payload: { ...text, to: "somebody" } }, "payload.to"],
  [
    "an unknown field in the payload",
    { ...validSend(), payload: { ...text, urgent: true } },
    "payload.urgent",
  ],
  ["no text", { ...validSend(), payload: { ...text, content: { type: "text" } } }, "payload.content.text"],
];

test("a document larger than any request is refused unread, and its content is dropped", async () => {
  const huge = {
    ...validSend(),
    payload: { ...text, more: "x".repeat(8_000_000) },
    note: "y".repeat(8_000_000),
  };
  const { document } = await insertAndAdopt(huge);
  expect(document).toMatchObject({
    state: "failed",
    error: { code: "invalid_command" },
    doneAt: expect.any(Date),
  });
  expect(document).not.toHaveProperty("payload");
  expect(document).not.toHaveProperty("note");
});

test("adoption gives a message its id, and no id to other commands", async () => {
  const { document } = await insertAndAdopt(validSend());
  expect(document.messageId).toMatch(/^3EB0[0-9A-F]{18}$/);
  const control = await insertAndAdopt({ channelId, type: "channel.connect", payload: {} });
  expect(control.document).not.toHaveProperty("messageId");
});

describe("a document with", () => {
  test.each(malformed)("%s fails and names the field", async (_name, fields, field) => {
    const { rung, document } = await insertAndAdopt(fields);
    expect(rung).toEqual([]);
    expect(document).toMatchObject({
      state: "failed",
      error: {
        code: "invalid_command",
        details: expect.arrayContaining([{ field, message: expect.any(String) }]),
      },
      doneAt: expect.any(Date),
    });
  });

  test("several mistakes fails and names them all", async () => {
    const { document } = await insertAndAdopt({ channelId: "nowhere", type: "none", lane: 9 });
    const { details } = document.error as { details: Array<{ field: string }> };
    expect(details.map(({ field }) => field)).toEqual(["channelId", "type", "lane"]);
  });
});

test("the search for unadopted documents examines no adopted one", async () => {
  const channel = channelDocument();
  await file.all.commands.insertMany(Array.from({ length: 300 }, () => commandDocument(channel._id)));
  await file.database.db.command({ profile: 2 });
  await adopt();
  await file.database.db.command({ profile: 0 });
  const [search] = await file.database.db.collection("system.profile").find({ op: "query" }).toArray();
  expect(search).toMatchObject({ ns: file.all.commands.namespace, docsExamined: 0 });
});

test("invalid documents do not stop valid ones, which keep their insertion order", async () => {
  const channel = channelDocument();
  await file.all.channels.insertOne(channel);
  const ids = Array.from({ length: 30 }, (_, index) => `${channel._id}/${index}`);
  await file.database.db.collection<{ _id: string }>("commands").insertMany(
    ids.map((_id, index) => ({
      ...validSend(),
      _id,
      channelId: channel._id,
      // Later documents expire sooner, so that the order of an index would differ.
      expiresAt: new Date(Date.now() + 600_000 - index * 10_000),
      ...(index % 3 === 1 ? { payload: null } : {}),
    })),
  );
  expect(await adopt()).toEqual([channel._id]);
  const queue = createCommandQueue(file.all.commands, { channelId: channel._id, epoch: 1 }, "me");
  const claimed = await queue.claim([1], 100);
  expect(claimed.map(({ _id }) => _id)).toEqual(ids.filter((_, index) => index % 3 !== 1));
});

test("documents beyond one page are adopted in the same run, in insertion order", async () => {
  const channel = channelDocument();
  await file.all.channels.insertOne(channel);
  const ids = Array.from({ length: 520 }, (_, index) => `${channel._id}/${index}`);
  await file.database.db.collection<{ _id: string }>("commands").insertMany(
    ids.map((_id, index) => ({
      ...validSend(),
      _id,
      channelId: channel._id,
      expiresAt: new Date(Date.now() + 6_000_000 - index * 1_000),
    })),
  );
  expect(await adopt()).toEqual([channel._id]);
  const found = file.all.commands.find({ channelId: channel._id, state: "queued" }).sort({ ord: 1, _id: 1 });
  expect((await found.toArray()).map(({ _id }) => _id)).toEqual(ids);
});

test("a claimed command is not queued again by an adopter that read it earlier", async () => {
  const channel = channelDocument();
  await file.all.channels.insertOne(channel);
  const ids = Array.from({ length: 60 }, (_, index) => `${channel._id}/${index}`);
  await file.database.db
    .collection<{ _id: string }>("commands")
    .insertMany(ids.map((_id) => ({ ...validSend(), _id, channelId: channel._id })));
  const queue = createCommandQueue(file.all.commands, { channelId: channel._id, epoch: 1 }, "me");
  const claimed: string[] = [];
  const claimAll = async () => {
    while (claimed.length < ids.length) {
      claimed.push(...(await queue.claim([1], 8)).map(({ _id }) => _id));
    }
  };
  await Promise.all([adopt(), adopt(), claimAll()]);
  expect(claimed.toSorted()).toEqual(ids.toSorted());
  const states = await file.all.commands.distinct("state", { channelId: channel._id });
  expect(states).toEqual(["running"]);
});

test("a document inserted as `queued` is not claimed before it is adopted", async () => {
  const channel = channelDocument();
  await file.all.channels.insertOne(channel);
  const _id = randomUUID();
  const queue = createCommandQueue(file.all.commands, { channelId: channel._id, epoch: 1 }, "me");
  const claimedIds = async () => (await queue.claim([1], 8)).map((command) => command._id);
  await file.database.db
    .collection<{ _id: string }>("commands")
    .insertOne({ ...validSend(), _id, channelId: channel._id, state: "queued", lane: 1 } as { _id: string });
  await queue.expire();
  expect(await claimedIds()).toEqual([]);
  await adopt();
  expect(await claimedIds()).toEqual([_id]);
});

test("concurrent adopters queue each document once, in one order", async () => {
  const channel = channelDocument();
  await file.all.channels.insertOne(channel);
  const ids = Array.from({ length: 60 }, (_, index) => `${channel._id}/${index}`);
  await file.database.db
    .collection<{ _id: string }>("commands")
    .insertMany(ids.map((_id) => ({ ...validSend(), _id, channelId: channel._id })));
  await Promise.all([adopt(), adopt(), adopt()]);
  const queued = await file.all.commands.find({ channelId: channel._id }).sort({ ord: 1 }).toArray();
  expect(queued.map(({ state }) => state)).toEqual(ids.map(() => "queued"));
  expect(new Set(queued.map(({ ord }) => ord.toString())).size).toBe(ids.length);
});

describe("documents that the driver cannot read, or not write back", () => {
  let writer: ForeignWriter;
  beforeAll(async () => {
    writer = await foreignWriter(file.database.uri);
  });
  afterAll(() => writer[Symbol.asyncDispose]());

  const send = (_id: unknown, fields: Document = {}) => ({ ...validSend(), _id, ...fields });
  const textOf = (text: string) => ({ payload: { ...text_, content: { type: "text", text } } });
  const text_ = { to: "15550100001" };

  /** The fault, the fields of the document, and the field that its error names. */
  const unreadable: Array<[string, Document, string]> = [
    ["a text that is not UTF-8", textOf(`Caf${notUtf8}`), "payload"],
    ["a channel that is not UTF-8", { channelId: notUtf8 }, "channelId"],
    ["a type that is not UTF-8", { type: notUtf8 }, "type"],
    ["a note of its own that is not UTF-8", { note: notUtf8 }, ""],
    [
      "a key that is not UTF-8",
      { payload: { ...text_, content: { type: "text", text: "x", [notUtf8]: 1 } } },
      "payload.content.\ufffd\ufffd\ufffd(",
    ],
    ["two channels", { [secondChannelId]: "nowhere" }, ""],
    ["an _id that is not UTF-8", { _id: `bad-${notUtf8}` }, "_id"],
    ["an _id of 5,000 characters", { _id: "x".repeat(5_000) }, "_id"],
    ["an _id that is a number beyond JavaScript's", { _id: Long.MAX_VALUE }, "_id"],
    ["an _id that is a document", { _id: { a: 1, b: [notUtf8] } }, "_id"],
    ["an _id of 2 MB", { _id: "y".repeat(2_000_000) }, "_id"],
  ];

  test.each(unreadable)(
    "a document with %s fails and names the field, and the next one is adopted",
    async (_name, fields, field) => {
      const mark = randomUUID();
      await writer.insert(send(`${mark}/bad`, fields));
      await writer.insert(send(`${mark}/good`));
      const before = await file.all.commands.countDocuments({ state: "failed" });
      expect(await adopt()).toEqual([channelId]);
      expect(await file.all.commands.findOne({ _id: `${mark}/good` })).toMatchObject({ state: "queued" });
      expect(await file.all.commands.countDocuments({ state: "failed" })).toBe(before + 1);
      const details = await file.all.commands.distinct("error.details.field", { state: "failed" });
      expect(details).toContain(field);
      expect(await adopt()).toEqual([]);
      await writer.commands.deleteMany({});
    },
  );

  test("a regular expression and code are judged like any other wrong value", async () => {
    const { document } = await insertAndAdopt({ ...validSend(), payload: new Code("(") });
    expect(document).toMatchObject({ state: "failed", error: { code: "invalid_command" } });
    await writer.insert(send("regexp", { type: new BSONRegExp("(?i)[", "x") }));
    await adopt();
    expect(await file.all.commands.findOne({ _id: "regexp" })).toMatchObject({
      error: { details: [{ field: "type" }] },
    });
  });

  test("thousands of bad documents hold up a valid one for seconds at most", async () => {
    const bad = Array.from({ length: 3_000 }, (_, index) => {
      const kinds = [{ _id: `b${index}${notUtf8}` }, { _id: { n: index } }, { _id: `b${index}`, type: 7 }];
      return { ...validSend(), ...kinds[index % 3] };
    });
    await writer.commands.insertMany(bad as Document[]);
    await writer.insert(send("after-them"));
    expect(await adopt()).toEqual([channelId]);
    expect(await file.all.commands.countDocuments({ state: { $nin: ["failed", "queued"] } as never })).toBe(
      0,
    );
    await writer.commands.deleteMany({});
  });

  test("what the owner alone sets is removed at adoption", async () => {
    const forged = {
      claimableFrom: 1e9,
      relayStartedAt: new Date(),
      resentAt: new Date(),
      result: 1,
      error: "x",
    };
    const { document } = await insertAndAdopt({ ...validSend(), ...forged });
    expect(document).toMatchObject({ state: "queued" });
    for (const field of Object.keys(forged)) expect(document).not.toHaveProperty(field);
  });

  test.each([
    ["queued", { state: "queued", attempts: 0 }],
    ["running", { state: "failed", error: { details: [{ field: "state" }] } }],
  ])(
    "a %s document without `attempts` is judged, whatever claim it pretends to have",
    async (state, judged) => {
      const forged = { claim: { epoch: 1, connector: "x" }, doneAt: new Date() };
      const { document } = await insertAndAdopt({ ...validSend(), state, ...forged });
      expect(document).toMatchObject(judged);
    },
  );

  test("an open document that looks adopted but names no channel fails", async () => {
    const strays = [
      { channelId: "nowhere" },
      { channelId: { $ne: null } },
      { channelId: notUtf8 },
      { channelId: null },
      { channelId: [channelId] },
      { channelId: ["nowhere", channelId] },
      { channelId: new MinKey() },
    ];
    for (const [index, fields] of strays.entries())
      await writer.insert({ ...commandDocument("x"), _id: `stray-${index}`, ...fields });
    const ours = commandDocument(channelId);
    await file.all.commands.insertOne(ours);
    await refuseStrays(file.all);
    const states = await writer.commands.distinct("state", { _id: /^stray/ } as never);
    expect(states).toEqual(["failed"]);
    expect(await file.all.commands.findOne({ _id: ours._id })).toMatchObject({ state: "queued" });
  });
});
