import { ObjectId, Timestamp } from "mongodb";
import { afterAll, beforeAll, expect, test } from "vitest";
import { mongoStore } from "#functions/store/mongo-store.ts";
import { commandStates } from "#shared/commands.ts";
import { type FunctionsFixture, functionsFixture } from "../functions.fixture.ts";

let functions: FunctionsFixture;
let channelId: string;
/** Newest first. */
const ids: string[] = [];
beforeAll(async () => {
  functions = await functionsFixture();
  channelId = await functions.addChannel();
  for (let at = 0; at < 16; at++) {
    // Every `ord` occurs twice, and ids are of both types; the database decides their order.
    const _id = at % 4 === 3 ? new ObjectId(`${at}`.padStart(24, "0")) : `command ${at}`;
    await functions.db.commands.insertOne({
      _id: _id as string,
      channelId,
      type: at % 8 === 0 ? "channel.connect" : "message.send",
      lane: at % 8 === 0 ? 0 : 1,
      ord: new Timestamp({ t: 1_000 + Math.floor(at / 2), i: 4_000_000_000 }),
      state: commandStates[at % commandStates.length] ?? "queued",
      payload: { content: "a secret" },
      attempts: 0,
      notBefore: new Date(),
      expiresAt: new Date(),
      createdAt: new Date(),
    });
  }
  const all = await functions.db.commands.find({ channelId }).sort({ ord: -1, _id: -1 }).toArray();
  ids.push(...all.map(({ _id }) => String(_id)));
});
afterAll(() => functions[Symbol.asyncDispose]());

const list = (query = "", key?: string) =>
  functions.call("GET", `/channels/${channelId}/commands${query}`, key === undefined ? {} : { key });
const idsOf = (body: { payload: { commandId: string }[] }) => body.payload.map(({ commandId }) => commandId);

test("200: commands are listed newest first, without their payload", async () => {
  const { status, body } = await list();
  expect([status, idsOf(body), body.nextCursor]).toEqual([200, ids, null]);
  expect(JSON.stringify(body)).not.toContain("a secret");
});

test.each([1, 3, 16])("200: pages of %i have every command once", async (limit) => {
  const seen: string[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const { body } = await list(`?limit=${limit}${cursor && `&cursor=${cursor}`}`);
    expect(body.payload.length).toBeLessThanOrEqual(limit);
    seen.push(...idsOf(body));
    cursor = body.nextCursor;
  }
  expect(seen).toEqual(ids);
});

test("200: the list is filtered by state and by type", async () => {
  const dead = await list("?state=dead");
  expect(dead.body.payload.map(({ state }: { state: string }) => state)).toEqual(["dead", "dead"]);
  const connects = await list("?type=channel.connect");
  expect(connects.body.payload).toHaveLength(2);
  expect((await list("?type=channel.connect&state=dead")).body.payload).toEqual([]);
});

test("200: only a key that may pair sees a pairing code", async () => {
  const other = await functions.addChannel();
  const asking = functions.call("POST", `/channels/${other}/pairing-code`, {
    body: { phoneNumber: "15551234567" },
  });
  await functions.settle(other, "channel.request_pairing_code", {
    state: "succeeded",
    result: { code: "ABCD1234", expiresAt: new Date().toISOString() },
  });
  await asking;
  const path = `/channels/${other}/commands`;
  const key = await functions.addKey({ scopes: ["messages:read"] });
  expect((await functions.call("GET", path, { key })).body.payload[0]).not.toHaveProperty("result");
  expect((await functions.call("GET", path)).body.payload[0].result.code).toBe("ABCD1234");
});

test("200: another service's refused command is not listed and does not end the list", async () => {
  const odd = { channelId, type: "message.send", lane: 1, state: "failed", attempts: 0, expiresAt: "soon" };
  const refused = ["refused 1", "refused 2"].map((_id) => ({ _id, ...odd }));
  await functions.db.commands.insertMany(refused as never[]);
  const [whole, page] = [await list(), await list("?state=failed&limit=3")];
  await functions.db.commands.deleteMany({ _id: { $in: refused.map(({ _id }) => _id) } });
  expect([whole.status, idsOf(whole.body), whole.body.nextCursor]).toEqual([200, ids, null]);
  expect([page.status, idsOf(page.body).length, page.body.nextCursor]).toEqual([200, 2, null]);
});

test("200, 404: a list has only the channel's commands, and a channel outside the key's is not found", async () => {
  const other = await functions.addChannel();
  expect((await functions.call("GET", `/channels/${other}/commands`)).body.payload).toEqual([]);
  const { status, body } = await list("", await functions.addKey({ channels: [other] }));
  expect([status, body.error.code]).toEqual([404, "channel_not_found"]);
});

test.each([
  ["state=sleeping", "state"],
  ["type=everything", "type"],
  ["limit=201", "limit"],
  ["cursor=x", "cursor"],
  [`cursor=${Buffer.from("ffffffffffffffff ozz").toString("base64url")}`, "cursor"],
  ["page=2", "page"],
])("400: ?%s is refused", async (query, field) => {
  const { status, body } = await list(`?${query}`);
  expect([status, body.error.details[0].field]).toEqual([400, field]);
});

test("the index `next` yields the list in order: no query sorts in memory", async () => {
  const { db } = functions.database;
  const store = mongoStore(db, { eventsDays: 7, messagesDays: 30 });
  await db.command({ profile: 2 });
  const { signal } = new AbortController();
  const query = { channelId, type: null, limit: 5, signal };
  const { nextPlace: after } = await store.listCommands({ ...query, state: null, after: null });
  for (const state of [null, "dead"] as const) await store.listCommands({ ...query, state, after });
  await db.command({ profile: 0 });
  const profiled = await db.collection("system.profile").find({ "command.find": "commands" }).toArray();
  expect(profiled).toHaveLength(3);
  expect(profiled.filter(({ hasSortStage }) => hasSortStage)).toEqual([]);
});
