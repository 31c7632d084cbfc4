import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Hono } from "hono";
import { afterAll, beforeAll, expect, test } from "vitest";
import { jsonBody } from "#functions/middleware/json-body.ts";
import { ServiceError } from "#shared/errors.ts";
import { type FunctionsFixture, functionsFixture } from "../functions.fixture.ts";

let functions: FunctionsFixture;
beforeAll(async () => {
  functions = await functionsFixture();
});
afterAll(() => functions[Symbol.asyncDispose]());

async function create(
  body: string | Uint8Array | ReadableStream | null,
  contentType: string | null,
  more: Record<string, string> = {},
) {
  const headers = new Headers({ "X-Api-Key": await functions.addKey(), ...more });
  if (contentType) headers.set("Content-Type", contentType);
  const init = { method: "POST", headers, body, duplex: "half" as const };
  const answer = await functions.fetch(new Request("http://x/api/whatsapp/channels", init));
  return { status: answer.status, code: ((await answer.json()) as { error?: { code: string } }).error?.code };
}

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

function bytesInUse(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

test.each([
  "application/json",
  "application/json; charset=utf-8",
  'Application/JSON;charset="UTF-8"',
  "application/json; charset=utf8",
  "application/json;",
  " application/json ; charset = utf-8 ;",
  "application/json; odata.metadata=minimal; charset=utf-8",
  'application/json; note="; charset=utf-16"',
  "application/json; profile",
  "application/json; charset=",
])("201: a body of type %s is accepted", async (type) => {
  expect((await create('{"name":"é"}', type)).status).toBe(201);
});

test.each([
  "text/plain",
  "application/x-www-form-urlencoded",
  "application/json; charset=utf-16",
  'application/json; x=1; charset="iso-8859-1"',
  "application/json; charset=unknown",
  "application/json utf-8",
  "text/plain; x=application/json",
  "application/jsonp",
])("415: a body of type %s is refused", async (type) => {
  expect(await create('{"name":"a"}', type)).toEqual({ status: 415, code: "unsupported_content_type" });
});

test("415: a body without a content type and a compressed one are refused", async () => {
  const bytes = new TextEncoder().encode('{"name":"a"}');
  expect((await create(bytes, null)).status).toBe(415);
  expect((await create(bytes, "application/json", { "Content-Encoding": "gzip" })).status).toBe(415);
});

test.each([
  ["half a document", '{"name":'],
  ["not JSON", "name=a"],
  ["a lone NUL", "\0"],
  ["not UTF-8", new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d])],
])("400: a body that is %s is refused", async (_what, body) => {
  expect(await create(body, "application/json")).toEqual({ status: 400, code: "invalid_json" });
});

test("an absent body counts as an empty object", async () => {
  expect(await create(null, null)).toEqual({ status: 400, code: "invalid_request" });
  expect(await create("", "text/plain")).toEqual({ status: 400, code: "invalid_request" });
});

test.each(["null", "5", '"text"', "[]"])("400: the body %s is not an object", async (body) => {
  expect(await create(body, "application/json")).toEqual({ status: 400, code: "invalid_request" });
});

test("400: a body nested a hundred thousand levels deep is refused", async () => {
  const deep = `{"name":"a","metadata":{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}}`;
  expect(await create(deep, "application/json")).toEqual({ status: 400, code: "invalid_request" });
});

test("413: a body over 1 MB is refused, with or without Content-Length", async () => {
  const large = `{"name":"${"x".repeat(1_100_000)}"}`;
  expect(await create(large, "application/json", { "Content-Length": "1100011" })).toEqual({
    status: 413,
    code: "body_too_large",
  });
  expect((await create(new Blob([large]).stream(), "application/json")).status).toBe(413);
});

test("a body that arrives in chunks of one byte costs no more memory than one that arrives whole", async () => {
  const bytes = new TextEncoder().encode(`{"name":"Shop","metadata":{"note":"${"x".repeat(1_000_000)}"}}`);
  let at = 0;
  let mostBytes = 0;
  const before = bytesInUse();
  const slow = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (at === bytes.length) return controller.close();
      controller.enqueue(bytes.slice(at, ++at));
      if (at % 100_000 === 0) mostBytes = Math.max(mostBytes, bytesInUse() - before);
    },
  });
  expect((await create(slow, "application/json")).status).toBe(400);
  expect(at).toBe(bytes.length);
  expect(mostBytes).toBeLessThan(30 * 1024 * 1024);
});

test("413: an endless body is read no further than 1 MB", async () => {
  let sentBytes = 0;
  let isCancelled = false;
  const endless = new ReadableStream<Uint8Array>({
    pull(controller) {
      sentBytes += 65_536;
      controller.enqueue(new Uint8Array(65_536));
    },
    cancel() {
      isCancelled = true;
    },
  });
  expect((await create(endless, "application/json")).status).toBe(413);
  expect(sentBytes).toBeLessThan(1_500_000);
  expect(isCancelled).toBe(true);
});

test("400: an incomplete body is the client's fault and is not logged as ours", async () => {
  functions.logged.length = 0;
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode('{"na'));
    },
    pull(controller) {
      controller.error(new Error("aborted"));
    },
  });
  expect(await create(body, "application/json")).toEqual({ status: 400, code: "invalid_json" });
  expect(functions.logged.map((line) => JSON.parse(line).msg)).toEqual(["request"]);
});

test("400: a body that does not arrive in time is refused and read no further", async () => {
  const app = new Hono().post("/", jsonBody({ bytesMax: 100, msMax: 50 }), (c) => c.text("read"));
  app.onError((error, c) => c.text(error instanceof ServiceError ? error.code : "bug", 400));
  const cancelled = Promise.withResolvers<void>();
  const body = new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode('{"na')),
    cancel: () => cancelled.resolve(),
  });
  const answer = await app.request("/", { method: "POST", body, duplex: "half" } as RequestInit);
  expect([answer.status, await answer.text()]).toEqual([400, "invalid_json"]);
  await cancelled.promise;
});
