import { MongoClient } from "mongodb";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { mongoStore } from "#functions/store/mongo-store.ts";
import type { Store } from "#functions/store/store.ts";
import { databaseAnswer } from "#shared/database-errors.ts";
import { startChild } from "#test/support/child.ts";
import { type FunctionsFixture, functionsFixture } from "../functions.fixture.ts";

/** The write that the database does not confirm, and whether it takes effect. */
let broken: { call: BreakableCall; isWritten: boolean } | null = null;
beforeEach(() => {
  broken = null;
});

const breakable = [
  "rememberRequest",
  "createChannel",
  "finishRequest",
  "setWish",
  "markDeleted",
  "insertCommand",
  "requeueCommand",
  "cancelCommand",
] as const;
type BreakableCall = (typeof breakable)[number];

/** Lets the call named by `broken` fail once. */
function breaking(store: Store): Store {
  const calls = breakable.map((name) => {
    const real = store[name] as (...args: unknown[]) => Promise<unknown>;
    const call = async (...args: unknown[]) => {
      if (broken?.call !== name) return real(...args);
      const { isWritten } = broken;
      broken = null;
      if (isWritten) await real(...args);
      return databaseAnswer(new Promise<never>(() => undefined), 1);
    };
    return [name, call];
  });
  return { ...store, ...Object.fromEntries(calls) };
}

let functions: FunctionsFixture;
beforeAll(async () => {
  functions = await functionsFixture({ withStore: breaking });
});
afterAll(() => functions[Symbol.asyncDispose]());

const headers = { "Idempotency-Key": "once" };
const message = { to: "15551234567", message: "hi" };

interface Case {
  method: string;
  /** `CHANNEL`, `DEAD` and `QUEUED` stand for ids. */
  path: string;
  body?: object;
  writes: readonly BreakableCall[];
  status: number;
  /** The state in which the only command ends. */
  state: string | null;
}

const cases: Record<string, Case> = {
  send: {
    method: "POST",
    path: "/channels/CHANNEL/send",
    body: message,
    writes: ["rememberRequest", "insertCommand"],
    status: 202,
    state: "queued",
  },
  connect: {
    method: "POST",
    path: "/channels/CHANNEL/connect",
    writes: ["rememberRequest", "setWish", "insertCommand"],
    status: 202,
    state: "queued",
  },
  logout: {
    method: "POST",
    path: "/channels/CHANNEL/logout",
    writes: ["rememberRequest", "setWish", "insertCommand"],
    status: 202,
    state: "queued",
  },
  delete: {
    method: "DELETE",
    path: "/channels/CHANNEL",
    writes: ["rememberRequest", "markDeleted", "insertCommand"],
    status: 202,
    state: "queued",
  },
  retry: {
    method: "POST",
    path: "/commands/DEAD/retry",
    writes: ["rememberRequest", "requeueCommand"],
    status: 202,
    state: "queued",
  },
  cancel: {
    method: "DELETE",
    path: "/commands/QUEUED",
    writes: ["rememberRequest", "cancelCommand"],
    status: 200,
    state: "cancelled",
  },
};

const broken503s = Object.entries(cases).flatMap(([name, { writes }]) =>
  writes.flatMap((call) => [true, false].map((isWritten) => ({ name, call, isWritten }))),
);

/** Adds a queued or dead send to the channel when the path names one. */
async function addSend(channelId: string, path: string): Promise<string> {
  if (!/DEAD|QUEUED/.test(path)) return "";
  const { body } = await functions.call("POST", `/channels/${channelId}/send`, { body: message });
  const { commandId } = body.payload;
  if (/DEAD/.test(path)) {
    const dead = { state: "dead" as const, doneAt: new Date(), attempts: 3 };
    await functions.db.commands.updateOne({ _id: commandId }, { $set: dead });
  }
  return commandId;
}

test.each(broken503s)(
  "$name resumes after an unconfirmed $call (written: $isWritten)",
  async ({ name, ...where }) => {
    const { method, path, body, status, state } = cases[name] as Case;
    const channelId = await functions.addChannel();
    const commandId = await addSend(channelId, path);
    const resolved = path.replace("CHANNEL", channelId).replace(/DEAD|QUEUED/, commandId);
    const ask = () => functions.call(method, resolved, { headers, ...(body && { body }) });
    broken = where;
    const failed = await ask();
    expect(failed).toMatchObject({
      status: 503,
      body: { error: { code: "database_unavailable", retryable: true } },
    });
    const again = await ask();
    expect(again.status).toBe(status);
    const commands = await functions.db.commands.find({ channelId }).toArray();
    expect(commands.map((command) => command.state)).toEqual([state]);
    const row = await functions.db.idempotencyKeys.findOne({ _id: { $regex: `${resolved} once$` } });
    expect(row?.ids).toMatchObject({ commandId: commands[0]?._id });
    expect((await ask()).body).toEqual(again.body);
  },
);

test.each([
  { call: "rememberRequest", isWritten: true },
  { call: "createChannel", isWritten: true },
  { call: "createChannel", isWritten: false },
  { call: "finishRequest", isWritten: true },
  { call: "finishRequest", isWritten: false },
] as const)("one channel is created after an unconfirmed $call (written: $isWritten)", async (where) => {
  const name = `${where.call} ${where.isWritten}`;
  const ask = () =>
    functions.call("POST", "/channels", {
      body: { name },
      headers: { "Idempotency-Key": name.replace(" ", "-") },
    });
  broken = where;
  expect((await ask()).body.error).toMatchObject({ code: "database_unavailable", retryable: true });
  // If the channel exists, others use it in the meantime.
  await functions.db.channels.updateOne({ name }, { $set: { metadata: { used: true } } });
  const used = await functions.db.channels.findOne({ name });
  const again = await ask();
  expect(again.status).toBe(201);
  const [created, ...others] = await functions.db.channels.find({ name }).toArray();
  expect([created?._id, others]).toEqual([again.body.payload.channelId, []]);
  if (used) expect(created).toEqual(used);
});

test("503: a failure of ours is not stored, and a refusal that could not be stored is repeated", async () => {
  const channelId = await functions.addChannel();
  const ask = () =>
    functions.call("POST", `/channels/${channelId}/send`, { headers, body: { ...message, to: "x" } });
  broken = { call: "rememberRequest", isWritten: false };
  expect((await ask()).status).toBe(503);
  const [first, again] = [await ask(), await ask()];
  expect([first.status, again.status]).toEqual([400, 400]);
  expect([first, again].map((answer) => answer.headers.get("idempotency-replayed"))).toEqual([null, "true"]);
});

test("a function killed between storing the key and inserting the command causes no second message", async () => {
  const channelId = await functions.addChannel();
  const key = await functions.addKey();
  const path = `/channels/${channelId}/send`;
  const child = startChild(new URL("killed-in-a-send.child.ts", import.meta.url), [
    functions.database.uri,
    key,
    `/api/whatsapp${path}`,
    JSON.stringify(message),
  ]);
  await using _ = child;
  await child.prints(/about to insert/);
  await child.kill();
  const row = await functions.db.idempotencyKeys.findOne({ _id: { $regex: `${path} killed$` } });
  expect(row?.ids).toEqual({ commandId: expect.any(String), messageId: expect.any(String) });
  expect(await functions.db.commands.countDocuments({ channelId })).toBe(0);
  const {
    status,
    body,
    headers: answerHeaders,
  } = await functions.call("POST", path, {
    body: message,
    headers: { "Idempotency-Key": "killed" },
    key,
  });
  expect([status, answerHeaders.get("idempotency-replayed")]).toEqual([202, "true"]);
  expect(body.payload).toMatchObject(row?.ids ?? {});
  expect(await functions.db.commands.distinct("_id", { channelId })).toEqual([row?.ids?.commandId]);
});

test("reads of stored requests and commands need a majority", async () => {
  await using client = await MongoClient.connect(functions.database.uri, { monitorCommands: true });
  const read: unknown[] = [];
  client.on("commandStarted", ({ commandName, command }) => {
    if (commandName === "find") read.push([command.find, command.readConcern]);
  });
  const store = mongoStore(client.db(), { eventsDays: 7, messagesDays: 30 });
  await store.findRequest("none");
  await store.hasCommand("none");
  expect(read).toEqual([
    ["idempotency_keys", { level: "majority" }],
    ["commands", { level: "majority" }],
  ]);
});
