import { afterAll, beforeAll, expect, test } from "vitest";
import type { Store } from "#functions/store/store.ts";
import { ServiceError } from "#shared/errors.ts";
import { type FunctionsFixture, functionsFixture } from "../functions.fixture.ts";

let functions: FunctionsFixture;
beforeAll(async () => {
  const withStore = (store: Store): Store => ({
    ...store,
    listChannels: () => Promise.reject(new Error("a secret of the inside")),
  });
  functions = await functionsFixture({ withStore });
});
afterAll(() => functions[Symbol.asyncDispose]());

const problem = { Accept: "application/problem+json" };

test("404: the envelope has the request id in body and header", async () => {
  const { status, headers, body } = await functions.call("GET", "/channels/nothing");
  expect(status).toBe(404);
  expect(headers.get("content-type")).toMatch(/^application\/json/);
  expect(body).toEqual({
    ok: false,
    error: {
      code: "channel_not_found",
      message: "Channel not found",
      requestId: headers.get("x-request-id"),
      retryable: false,
    },
  });
});

test("404: a problem has the same facts as the envelope", async () => {
  const { status, headers, body } = await functions.call("GET", "/channels/nothing", { headers: problem });
  expect(status).toBe(404);
  expect(headers.get("content-type")).toBe("application/problem+json");
  expect(body).toEqual({
    type: "urn:waypost:error:channel_not_found",
    title: "Channel not found",
    status: 404,
    detail: "Channel not found",
    instance: "/api/whatsapp/channels/nothing",
    code: "channel_not_found",
    requestId: headers.get("x-request-id"),
    retryable: false,
  });
});

test.each([
  ["401", "GET", "/channels", { key: null }, "missing_api_key"],
  ["400", "POST", "/channels", { body: {} }, "invalid_request"],
  ["404", "GET", "/nowhere", {}, "route_not_found"],
  ["405", "PUT", "/channels", {}, "method_not_allowed"],
  [
    "415",
    "POST",
    "/channels",
    { body: "x", headers: { "Content-Type": "text/plain" } },
    "unsupported_content_type",
  ],
  ["500", "GET", "/channels", {}, "internal"],
])("%s: a client that accepts problems gets one", async (status, method, path, options, code) => {
  const headers = { ...("headers" in options ? options.headers : {}), ...problem };
  const answer = await functions.call(method, path, { ...options, headers });
  expect(answer.headers.get("content-type")).toBe("application/problem+json");
  expect([String(answer.body.status), answer.body.code]).toEqual([status, code]);
  expect(answer.status).toBe(answer.body.status);
});

test("200: a success is never a problem document", async () => {
  const { headers, body } = await functions.call("GET", "/health/live", { headers: problem });
  expect(headers.get("content-type")).toBe("application/json");
  expect(body).toEqual({ ok: true });
});

test("500: an unexpected error reveals nothing to callers, and the log says where it arose", async () => {
  const { status, body } = await functions.call("GET", "/channels", {
    headers: { "X-Request-Id": "find-me" },
  });
  expect(status).toBe(500);
  expect(body.error).toEqual({
    code: "internal",
    message: "Something went wrong on our side",
    requestId: "find-me",
    retryable: true,
  });
  const line = functions.logged.find(
    (logged) => logged.includes("request failed") && logged.includes("find-me"),
  );
  expect(JSON.parse(line ?? "{}")).toMatchObject({ errorCode: "internal", error: "Error" });
  expect(line).toContain("answer-error.test.ts");
  expect(line).not.toContain("a secret of the inside");
});

test.each([
  ["the given one, when it is well-formed", "order-42_a.b", true],
  ["a new one, when the given one is too long", "x".repeat(129), false],
  ["a new one, when the given one has other characters", "a b", false],
])("every answer has a request id: %s", async (_what, given, isKept) => {
  const { headers } = await functions.call("GET", "/health/live", { headers: { "X-Request-Id": given } });
  const id = headers.get("x-request-id");
  expect(id).toMatch(/^[A-Za-z0-9._-]{1,128}$/);
  expect(id === given).toBe(isKept);
});

test.each([
  ["PUT", "/channels", "GET, HEAD, POST"],
  ["GET", "/channels/nothing/connect", "POST"],
  ["GET", "/session", "POST, DELETE"],
  ["POST", "/health/live", "GET, HEAD, OPTIONS"],
])("405: %s %s has an Allow header", async (method, path, allowed) => {
  const { status, headers } = await functions.call(method, path);
  expect(status).toBe(405);
  const list = (text: string | null) => text?.split(", ").sort();
  expect(list(headers.get("allow"))).toEqual(list(allowed));
});

test.each([
  [30, "30"],
  [1.2, "2"],
  ["5\r\nSet-Cookie: a=b", null],
  [-1, null],
])(
  "429: details that say to wait for %j are answered with Retry-After %j",
  async (retryAfterSeconds, header) => {
    const withStore = (store: Store): Store => ({
      ...store,
      listChannels: () =>
        Promise.reject(new ServiceError("rate_limited", undefined, { details: { retryAfterSeconds } })),
    });
    await using limited = await functionsFixture({ withStore });
    const { status, headers } = await limited.call("GET", "/channels");
    expect([status, headers.get("retry-after")]).toEqual([429, header]);
  },
);

test("204: OPTIONS on a page names the methods", async () => {
  const { status, headers } = await functions.call("OPTIONS", "/openapi.json");
  expect(status).toBe(204);
  const other = await functions.call("OPTIONS", "/console.json");
  expect([other.status, other.headers.get("allow")]).toEqual([204, "GET, HEAD"]);
  expect(headers.get("x-request-id")).not.toBeNull();
});

test.each(["/nowhere", "/api/whatsapp/nowhere", "/api/whatsapp/channels/", "/api", "/.env"])(
  "404: %s is not a route",
  async (path) => {
    const { status, body } = await functions.call("GET", path);
    expect([status, body.error.code]).toEqual([404, "route_not_found"]);
  },
);

test("HEAD answers like GET, without a body", async () => {
  const { status, body } = await functions.call("HEAD", "/health/live");
  expect([status, body]).toEqual([200, ""]);
});
