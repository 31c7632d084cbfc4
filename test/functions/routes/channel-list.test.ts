import { afterAll, beforeAll, expect, test } from "vitest";
import { type FunctionsFixture, functionsFixture } from "../functions.fixture.ts";

let functions: FunctionsFixture;
const ids: string[] = [];
beforeAll(async () => {
  functions = await functionsFixture();
  for (let n = 0; n < 7; n++) ids.push(await functions.addChannel({ status: n < 3 ? "active" : "inactive" }));
  await functions.addChannel({ deletedAt: new Date() });
  ids.sort();
});
afterAll(() => functions[Symbol.asyncDispose]());

test("200: the pages have every channel once, and the last has no cursor", async () => {
  const seen: string[] = [];
  let cursor = "";
  for (let page = 0; page < 4; page++) {
    const { status, body } = await functions.call("GET", `/channels?limit=2${cursor}`);
    expect(status).toBe(200);
    seen.push(...body.payload.map(({ channelId }: { channelId: string }) => channelId));
    expect(body.payload.length).toBe(page < 3 ? 2 : 1);
    cursor = `&cursor=${body.nextCursor}`;
  }
  expect(cursor).toBe("&cursor=null");
  expect(seen).toEqual(ids);
});

test("200: a page with exactly the remaining channels has no cursor", async () => {
  const { body } = await functions.call("GET", "/channels?limit=7");
  expect(body.payload).toHaveLength(7);
  expect(body.nextCursor).toBeNull();
});

test("200: the list is filtered by status", async () => {
  const { body } = await functions.call("GET", "/channels?status=active");
  expect(body.payload.map(({ status }: { status: string }) => status)).toEqual([
    "active",
    "active",
    "active",
  ]);
});

test("200: a limited key sees only its channels, page by page", async () => {
  const own = [ids[1] ?? "", ids[4] ?? ""];
  const key = await functions.addKey({ channels: own });
  const first = await functions.call("GET", "/channels?limit=1", { key });
  expect(first.body.payload[0].channelId).toBe(own[0]);
  const second = await functions.call("GET", `/channels?limit=1&cursor=${first.body.nextCursor}`, { key });
  expect(second.body.payload[0].channelId).toBe(own[1]);
  expect(second.body.nextCursor).toBeNull();
});

test.each([
  ["status=sleeping", "status"],
  ["limit=0", "limit"],
  ["limit=201", "limit"],
  ["limit=many", "limit"],
  ["limit=", "limit"],
  ["limit=0x10", "limit"],
  ["limit=1e1", "limit"],
  ["limit=%201", "limit"],
  ["limit=%2B5", "limit"],
  ["limit=5.0", "limit"],
  ["limit=99999999999999999999", "limit"],
  ["cursor=", "cursor"],
  ["cursor=zzz", "cursor"],
  ["cursor=null", "cursor"],
  ["cursor=%7B%7D", "cursor"],
  ["statuss=active", "statuss"],
])("400: ?%s is refused", async (query, field) => {
  const { status, body } = await functions.call("GET", `/channels?${query}`);
  expect(status).toBe(400);
  expect(body.error.details).toEqual([{ field, message: expect.any(String) }]);
});
