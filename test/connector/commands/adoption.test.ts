import { randomUUID } from "node:crypto";
import { Timestamp } from "mongodb";
import { beforeAll, describe, expect, test } from "vitest";
import { adoptAll } from "#connector/commands/adoption.ts";
import { createCommandQueue } from "#connector/commands/command-queue.ts";
import { channelDocument, commandDocument, fileDatabase } from "../connector.fixture.ts";

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
  await adoptAll(file.all, ttlSeconds, (channelId) => rung.add(channelId), new AbortController().signal);
  return [...rung];
};
const good = () => ({
  channelId,
  type: "message.send",
  payload: { to: "15550100001", content: { type: "text", text: "Hello" } },
});

/** As another service would: nothing but what it cares to give. Resolves to how the document looks after adoption. */
async function adopted(fields: Record<string, unknown>) {
  const _id = fields._id ?? randomUUID();
  const commands = file.database.db.collection<{ _id: unknown }>("commands");
  await commands.insertOne({ ...fields, _id });
  const rung = await adopt();
  const document = (await commands.findOne({ _id })) as Record<string, unknown> | null;
  if (!document) throw new Error("The document has gone");
  return { rung, document };
}

describe("a document that says what it has to", () => {
  test("is queued with everything that a command has, and its channel is rung", async () => {
    const { rung, document } = await adopted(good());
    expect(rung).toEqual([channelId]);
    expect(document).toMatchObject({
      ...good(),
      state: "queued",
      lane: 1,
      attempts: 0,
      ord: expect.anything(),
      notBefore: expect.any(Date),
      createdAt: document.notBefore,
    });
    expect(Number(document.expiresAt) - Number(document.createdAt)).toBe(ttlSeconds * 1_000);
  });

  test("keeps what it chose itself", async () => {
    const chosen = {
      lane: 2,
      messageId: "ABCDEF0123",
      notBefore: new Date(Date.now() + 1_000),
      expiresAt: new Date(Date.now() + 60_000),
    };
    expect((await adopted({ ...good(), ...chosen })).document).toMatchObject({ ...chosen, state: "queued" });
  });

  test.each([
    ["queued", { state: "queued" }],
    ["queued, in a lane", { state: "queued", lane: 2 }],
    ["queued, and when", { state: "queued", notBefore: new Date(0) }],
    ["null", { state: null, attempts: null }],
  ])("is queued although it says for itself that it is %s", async (_what, fields) => {
    const { rung, document } = await adopted({ ...good(), ...fields });
    expect(rung).toEqual([channelId]);
    expect(document).toMatchObject({ lane: 1, ...fields, ...adoptedFields });
  });

  test.each(["channel.connect", "channel.disconnect", "channel.logout", "channel.delete"])(
    "%s goes to the control lane",
    async (type) => {
      expect((await adopted({ channelId, type, payload: {} })).document).toMatchObject({
        state: "queued",
        lane: 0,
      });
    },
  );

  test("is left alone when it has a state already", async () => {
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

/** What is wrong with the document, and the field that is named. */
const malformed: Array<[string, Record<string, unknown>, string]> = [
  ["an _id that is no string", { ...good(), _id: 7 }, "_id"],
  ["no channel", { type: "message.send", payload: text }, "channelId"],
  ["a channel that does not exist", { ...good(), channelId: "nowhere" }, "channelId"],
  ["a channel that is no string", { ...good(), channelId: { $ne: null } }, "channelId"],
  ["a deleted channel", { ...good(), channelId: deletedId }, "channelId"],
  ["a state that is not for others", { ...good(), state: "succeeded" }, "state"],
  ["the state of a command that runs", { ...good(), state: "running" }, "state"],
  ["an unknown state", { ...good(), state: "bogus" }, "state"],
  ["an unknown state and attempts", { ...good(), state: "bogus", attempts: 0 }, "state"],
  ["a state that is no string", { ...good(), state: { is: "queued" } }, "state"],
  ["no type", { channelId, payload: text }, "type"],
  ["an unknown type", { ...good(), type: "message.shout" }, "type"],
  ["the name of something every object has", { ...good(), type: "constructor" }, "type"],
  ["a lane that does not exist", { ...good(), lane: 3 }, "lane"],
  ["a message in the control lane", { ...good(), lane: 0 }, "lane"],
  ["control in a message lane", { channelId, type: "channel.logout", payload: {}, lane: 1 }, "lane"],
  ["a message id of another form", { ...good(), messageId: "hello world" }, "messageId"],
  ["a time that is no date", { ...good(), notBefore: "tomorrow" }, "notBefore"],
  ["an expiry that is no date", { ...good(), expiresAt: 5 }, "expiresAt"],
  ["an expiry that is a word", { ...good(), expiresAt: "tomorrow" }, "expiresAt"],
  ["a payload that is null", { ...good(), payload: null }, "payload"],
  ["a payload that is a list", { ...good(), payload: [] }, "payload"],
  ["a message id that is a number", { ...good(), messageId: 12_345_678 }, "messageId"],
  ["no payload", { channelId, type: "message.send" }, "payload"],
  ["a payload that is no object", { ...good(), payload: "Hello" }, "payload"],
  ["a recipient that is none", { ...good(), payload: { ...text, to: "somebody" } }, "payload.to"],
  ["a field too many", { ...good(), payload: { ...text, urgent: true } }, "payload.urgent"],
  ["no text", { ...good(), payload: { ...text, content: { type: "text" } } }, "payload.content.text"],
];

test("a document that is larger than any command is refused unread, and what it held is dropped", async () => {
  const huge = { ...good(), payload: { ...text, more: "x".repeat(8_000_000) }, note: "y".repeat(8_000_000) };
  const { document } = await adopted(huge);
  expect(document).toMatchObject({
    state: "failed",
    error: { code: "invalid_command" },
    doneAt: expect.any(Date),
  });
  expect(document).not.toHaveProperty("payload");
  expect(document).not.toHaveProperty("note");
});

test("a message has its id from when it is adopted; what is none has none", async () => {
  const { document } = await adopted(good());
  expect(document.messageId).toMatch(/^3EB0[0-9A-F]{18}$/);
  const control = await adopted({ channelId, type: "channel.connect", payload: {} });
  expect(control.document).not.toHaveProperty("messageId");
});

describe("a document with", () => {
  test.each(malformed)("%s fails and says where", async (_what, fields, field) => {
    const { rung, document } = await adopted(fields);
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

  test("several mistakes names them all", async () => {
    const { document } = await adopted({ channelId: "nowhere", type: "none", lane: 9 });
    const { details } = document.error as { details: Array<{ field: string }> };
    expect(details.map(({ field }) => field)).toEqual(["channelId", "type", "lane"]);
  });
});

test("what is looked for is found by indexes, however many commands there are", async () => {
  const channel = channelDocument();
  await file.all.commands.insertMany(Array.from({ length: 300 }, () => commandDocument(channel._id)));
  await file.database.db.command({ profile: 2 });
  await adopt();
  await file.database.db.command({ profile: 0 });
  const [look] = await file.database.db.collection("system.profile").find({ op: "query" }).toArray();
  expect(look).toMatchObject({ ns: file.all.commands.namespace, docsExamined: 0 });
});

test("bad documents among good ones stop nothing, and the order is that of insertion", async () => {
  const channel = channelDocument();
  await file.all.channels.insertOne(channel);
  const ids = Array.from({ length: 30 }, (_, index) => `${channel._id}/${index}`);
  await file.database.db.collection<{ _id: string }>("commands").insertMany(
    ids.map((_id, index) => ({
      ...good(),
      _id,
      channelId: channel._id,
      // The later, the sooner it expires: no index may decide the order.
      expiresAt: new Date(Date.now() + 600_000 - index * 10_000),
      ...(index % 3 === 1 ? { payload: null } : {}),
    })),
  );
  expect(await adopt()).toEqual([channel._id]);
  const queue = createCommandQueue(file.all.commands, { channelId: channel._id, epoch: 1 }, "me");
  const claimed = await queue.claim([1], 100);
  expect(claimed.map(({ _id }) => _id)).toEqual(ids.filter((_, index) => index % 3 !== 1));
});

test("more than are looked for at once are adopted in one go all the same, in the order of insertion", async () => {
  const channel = channelDocument();
  await file.all.channels.insertOne(channel);
  const ids = Array.from({ length: 520 }, (_, index) => `${channel._id}/${index}`);
  await file.database.db.collection<{ _id: string }>("commands").insertMany(
    ids.map((_id, index) => ({
      ...good(),
      _id,
      channelId: channel._id,
      expiresAt: new Date(Date.now() + 6_000_000 - index * 1_000),
    })),
  );
  expect(await adopt()).toEqual([channel._id]);
  const adopted = file.all.commands
    .find({ channelId: channel._id, state: "queued" })
    .sort({ ord: 1, _id: 1 });
  expect((await adopted.toArray()).map(({ _id }) => _id)).toEqual(ids);
});

test("what is claimed already is not queued again by an adopter who saw it before", async () => {
  const channel = channelDocument();
  await file.all.channels.insertOne(channel);
  const ids = Array.from({ length: 60 }, (_, index) => `${channel._id}/${index}`);
  await file.database.db
    .collection<{ _id: string }>("commands")
    .insertMany(ids.map((_id) => ({ ...good(), _id, channelId: channel._id })));
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

test("what says that it is queued is not carried out before it is adopted", async () => {
  const channel = channelDocument();
  await file.all.channels.insertOne(channel);
  const _id = randomUUID();
  const queue = createCommandQueue(file.all.commands, { channelId: channel._id, epoch: 1 }, "me");
  const claims = async () => (await queue.claim([1], 8)).map((command) => command._id);
  await file.database.db
    .collection<{ _id: string }>("commands")
    .insertOne({ ...good(), _id, channelId: channel._id, state: "queued", lane: 1 } as { _id: string });
  await queue.expire();
  expect(await claims()).toEqual([]);
  await adopt();
  expect(await claims()).toEqual([_id]);
});

test("several adopters at once queue each document once, in one order", async () => {
  const channel = channelDocument();
  await file.all.channels.insertOne(channel);
  const ids = Array.from({ length: 60 }, (_, index) => `${channel._id}/${index}`);
  await file.database.db
    .collection<{ _id: string }>("commands")
    .insertMany(ids.map((_id) => ({ ...good(), _id, channelId: channel._id })));
  await Promise.all([adopt(), adopt(), adopt()]);
  const queued = await file.all.commands.find({ channelId: channel._id }).sort({ ord: 1 }).toArray();
  expect(queued.map(({ state }) => state)).toEqual(ids.map(() => "queued"));
  expect(new Set(queued.map(({ ord }) => ord.toString())).size).toBe(ids.length);
});
