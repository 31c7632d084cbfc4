import { MongoClient, Timestamp } from "mongodb";
import { describe, expect, inject, onTestFinished, test } from "vitest";
import { type ChangeHub, type ChangeHubOptions, createChangeHub } from "#shared/change-hub.ts";
import type { Change, Topic } from "#shared/changes.ts";
import type { EventDocument } from "#shared/collections.ts";
import { collections } from "#shared/database.ts";
import { sleep } from "#shared/sleep.ts";
import { commandDocument } from "#test/support/documents.ts";
import { eventually } from "#test/support/eventually.ts";
import { foreignWriter, unreadableBinary, unreadableRegExp } from "#test/support/foreign-writer.ts";
import { quiet } from "#test/support/quiet-log.ts";
import { testDatabase } from "#test/support/test-database.ts";

/** A hub on a database of its own, and the commands that its client sends. */
async function withHub(options: Partial<ChangeHubOptions> = {}) {
  const database = await testDatabase();
  const client = await MongoClient.connect(inject("mongoUri"), { monitorCommands: true });
  const sent: string[] = [];
  client.on("commandStarted", ({ commandName }) => sent.push(commandName));
  const hub = createChangeHub({
    db: client.db(database.db.databaseName),
    log: quiet,
    withRows: true,
    ...options,
  });
  onTestFinished(async () => {
    await hub[Symbol.asyncDispose]();
    await client.close();
    await database[Symbol.asyncDispose]();
  });
  return { hub, sent, uri: database.uri, ...collections(database.db) };
}

/** Listens until the test is over. */
function heard(hub: ChangeHub, ...topics: Topic[]) {
  const calls = { opened: 0, changes: [] as Change[] };
  const stopping = new AbortController();
  onTestFinished(() => stopping.abort());
  hub.listen(
    { topics, opened: () => calls.opened++, changed: (change) => void calls.changes.push(change) },
    stopping.signal,
  );
  return calls;
}

const isOpen = (calls: { opened: number }) => eventually(() => calls.opened > 0);

const eventOf = (channelId: string, seq: number, message = "Hello"): EventDocument => ({
  _id: `${channelId}/${seq}`,
  channelId,
  seq,
  ord: new Timestamp({ t: 0, i: 0 }),
  type: "incoming_message",
  timestamp: new Date(),
  data: { message },
});

test.each([true, false])(
  "an own command is reported once, also if the stream is first: %s",
  async (isLate) => {
    const { hub, commands } = await withHub();
    const calls = heard(hub, "command_queued");
    await isOpen(calls);
    const { changes } = calls;
    const own = commandDocument("own");
    if (!isLate) hub.commandQueued("own", 1, own._id);
    await commands.insertOne(own);
    if (isLate) {
      await eventually(() => changes.length > 0);
      hub.commandQueued("own", 1, own._id);
    }
    await commands.insertOne(commandDocument("other"));
    await eventually(() => changes.some((change) => "channelId" in change && change.channelId === "other"));
    expect(changes.map((change) => "channelId" in change && change.channelId)).toEqual(["own", "other"]);
  },
);

test("own events are reported once, as the log has them, and others' with them in order", async () => {
  const { hub, events } = await withHub();
  const calls = heard(hub, "event_appended");
  await isOpen(calls);
  const own = [eventOf("a", 1, "half \ud83d"), eventOf("a", 2)];
  await events.insertMany(own);
  hub.eventsAppended(own);
  await events.insertMany([eventOf("b", 1), eventOf("a", 3)]);
  await eventually(() => calls.changes.length === 4);
  const rows = calls.changes.map((change) => (change.topic === "event_appended" ? change.row() : null));
  expect(rows.map((row) => row?._id)).toEqual(["a/1", "a/2", "b/1", "a/3"]);
  expect(rows[0]?.data).toEqual((await events.findOne({ _id: "a/1" }))?.data);
});

test("an event of several megabytes is reported without its row", async () => {
  const { hub, events } = await withHub();
  const calls = heard(hub, "event_appended");
  await isOpen(calls);
  await events.insertMany([eventOf("a", 1, "x".repeat(12_000_000)), eventOf("a", 2)]);
  await eventually(() => calls.changes.length === 2);
  const rows = calls.changes.map((change) => change.topic === "event_appended" && change.row()?.seq);
  expect(rows).toEqual([undefined, 2]);
});

test("a listener that wants more than the stream shows opens it again; one that comes late is told that it is open", async () => {
  const { hub, commands, events } = await withHub({ topics: ["command_queued"] });
  const first = heard(hub, "command_queued");
  await isOpen(first);
  const second = heard(hub, "event_appended");
  await isOpen(second);
  expect(first.opened).toBe(2);
  const third = heard(hub, "event_appended");
  expect([second.opened, third.opened]).toEqual([1, 1]);
  await commands.insertOne(commandDocument("c"));
  await events.insertOne(eventOf("e", 1));
  await eventually(() => first.changes.length + second.changes.length + third.changes.length === 3);
});

test("of more own writes than are remembered, the oldest may be reported twice", async () => {
  const { hub, commands } = await withHub();
  const calls = heard(hub, "command_queued");
  await isOpen(calls);
  const [forgotten, kept] = [commandDocument("forgotten"), commandDocument("kept")];
  hub.commandQueued("forgotten", 1, forgotten._id);
  for (let n = 0; n < 9_999; n++) hub.commandQueued("other", 1, `other ${n}`);
  hub.commandQueued("kept", 1, kept._id);
  await commands.insertMany([kept, forgotten]);
  await eventually(() => calls.changes.length > 10_001);
  expect(calls.changes.at(-1)).toMatchObject({ channelId: "forgotten" });
  expect(calls.changes).toHaveLength(10_002);
});

test("a new command is reported with its document if it is short and looks like the functions'", async () => {
  const { hub, commands } = await withHub();
  const calls = heard(hub, "command_queued");
  await isOpen(calls);
  const { changes } = calls;
  const text = (length: number) => ({ to: "1", content: { type: "text", text: "é".repeat(length) } });
  const [plain, long, adopted] = [
    commandDocument("plain", { payload: text(1_500), messageId: "3EB0AAAA" }),
    commandDocument("long", { payload: text(2_000), messageId: "3EB0AAAA" }),
    commandDocument("adopted", { adoptedAt: new Date() }),
  ];
  const { attempts: _, ...foreign } = commandDocument("foreign");
  await commands.insertMany([plain, long, adopted, foreign as never]);
  await eventually(() => changes.length === 4);
  const [first, ...others] = changes.map((change) => "document" in change && change.document);
  expect(first).toEqual(await commands.findOne({ _id: plain._id }));
  expect(others).toEqual([false, false, false]);
});

describe("what the driver cannot read, in a command that looks like the functions',", () => {
  const values = [
    ["a regular expression", unreadableRegExp],
    ["a binary", unreadableBinary],
  ] as const;

  test.each(values)("is not shown, and %s does not end the stream", async (_, value) => {
    const { hub, commands, uri } = await withHub();
    await using foreign = await foreignWriter(uri);
    const calls = [heard(hub, "command_queued"), heard(hub, "command_ended")];
    for (const one of calls) await isOpen(one);
    const [queued, ended] = calls;
    const openings = calls.map(({ opened }) => opened);
    const text = { to: "1", content: { type: "text", text: "Hello" } };
    const channelId = "c";
    const [noted, replaced, odd] = [
      commandDocument(channelId, { payload: text, messageId: "3EB0AAAA" }),
      commandDocument(channelId, { payload: text, messageId: "3EB0BBBB" }),
      commandDocument(channelId, { payload: text, messageId: "3EB0CCCC" }),
    ];
    await foreign.insert({ ...noted, note: value });
    await foreign.insert({ ...replaced, payload: { ...text, also: value } });
    await foreign.insert({ ...odd, keyId: value, createdAt: value });
    await commands.insertOne(commandDocument("last", { payload: text, messageId: "3EB0ZZZZ" }));
    await eventually(() =>
      queued?.changes.some((change) => "channelId" in change && change.channelId === "last"),
    );
    expect(queued?.changes.map((change) => "document" in change)).toEqual([true, false, false, true]);
    const end = (_id: string, fields: object) =>
      foreign.commands.updateOne({ _id: _id as never }, { $set: fields });
    await end(noted._id, { state: "failed", error: { code: value, message: "no" } });
    await end(replaced._id, { state: "succeeded", result: { messageId: "3EB0", more: value } });
    await end(odd._id, { state: "failed", error: { code: "x", message: "no", details: { more: value } } });
    await eventually(() => ended?.changes.length === 3);
    expect(ended?.changes.map((change) => "end" in change && change.end)).toEqual([null, null, null]);
    expect(calls.map(({ opened }) => opened)).toEqual(openings);
  });
});

test("the end of a command is reported with its outcome if the change shows it whole", async () => {
  const { hub, commands } = await withHub();
  const calls = heard(hub, "command_ended");
  await isOpen(calls);
  const inserted = Array.from({ length: 4 }, () => commandDocument("c"));
  const [sent, failed, long, confirmed] = inserted.map(({ _id }) => _id);
  await commands.insertMany(inserted);
  const result = { messageId: "3EB0", status: "sent" };
  const error = { code: "not_sent", message: "é".repeat(1_500) } as const;
  const end = (_id: string | undefined, fields: object) =>
    commands.updateOne({ _id: _id ?? "" }, [{ $set: fields }]);
  await end(sent, { state: "succeeded", result });
  await end(failed, { state: "failed", error });
  await end(long, { state: "failed", error: { ...error, details: "é".repeat(1_000) } });
  await end(confirmed, { state: "unknown", result: { ...result, status: "unknown" } });
  await end(confirmed, { state: "succeeded", result: { $mergeObjects: ["$result", { status: "sent" }] } });
  await commands.deleteOne({ _id: sent ?? "" });
  await eventually(() => calls.changes.length === 6);
  expect(calls.changes.map((change) => change.topic === "command_ended" && change.end)).toEqual([
    { state: "succeeded", result },
    { state: "failed", error },
    null,
    { state: "unknown", result: { ...result, status: "unknown" } },
    null,
    null,
  ]);
});

test("a listener that throws keeps nobody else from hearing", async () => {
  const { hub, commands } = await withHub();
  const stopping = new AbortController();
  onTestFinished(() => stopping.abort());
  const fail = () => {
    throw new Error("no");
  };
  hub.listen({ topics: ["command_queued"], opened: fail, changed: fail }, stopping.signal);
  const calls = heard(hub, "command_queued");
  await isOpen(calls);
  for (const channelId of ["a", "b"]) await commands.insertOne(commandDocument(channelId));
  await eventually(() => calls.changes.length === 2);
  expect(calls.opened).toBe(1);
});

test("a hub with many listeners has one stream, which rests while only this process writes", async () => {
  const { hub, sent, commands } = await withHub({ restMs: 600_000 });
  const calls = [heard(hub, "command_queued"), heard(hub, "command_ended"), heard(hub, "members_changed")];
  await isOpen(calls[0] ?? { opened: 0 });
  for (let n = 0; n < 20; n++) {
    const own = commandDocument("own");
    hub.commandQueued("own", 1, own._id);
    await commands.insertOne(own);
  }
  await sleep(200);
  expect(sent.filter((name) => name === "aggregate")).toHaveLength(1);
  expect(sent.filter((name) => name === "getMore").length).toBeLessThanOrEqual(2);
  expect(calls[0]?.changes).toHaveLength(20);
});

test("commands without a usable id are each reported", async () => {
  const { hub, commands } = await withHub();
  const calls = heard(hub, "command_queued");
  await isOpen(calls);
  const long = (n: number) => `${n}${"x".repeat(200)}`;
  for (const n of [1, 2, 3]) await commands.insertOne(commandDocument("c", { _id: long(n) }));
  await eventually(() => calls.changes.length === 3);
});
