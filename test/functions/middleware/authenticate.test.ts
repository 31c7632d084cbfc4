import { afterAll, beforeAll, expect, test } from "vitest";
import { newApiKey } from "#shared/api-key.ts";
import { type FunctionsFixture, functionsFixture } from "../functions.fixture.ts";

let functions: FunctionsFixture;
beforeAll(async () => {
  functions = await functionsFixture();
});
afterAll(() => functions[Symbol.asyncDispose]());

const list = (headers: Record<string, string>) => functions.call("GET", "/channels", { key: null, headers });

test("200: a key authenticates in X-Api-Key and as a Bearer token", async () => {
  const key = await functions.addKey();
  expect((await list({ "X-Api-Key": key })).status).toBe(200);
  expect((await list({ Authorization: `Bearer ${key}` })).status).toBe(200);
  expect((await list({ Authorization: `bearer  ${key} ` })).status).toBe(200);
});

test.each([
  ["no key", {}, "missing_api_key"],
  ["an empty key", { "X-Api-Key": "" }, "missing_api_key"],
  ["another kind of authorization", { Authorization: "Basic YTpi" }, "missing_api_key"],
  ["an unknown key", { "X-Api-Key": newApiKey() }, "invalid_api_key"],
  ["an unknown session", { Cookie: "waypost_session=nothing" }, "invalid_api_key"],
  ["a MongoDB operator as a key", { "X-Api-Key": '{"$ne":null}' }, "invalid_api_key"],
])("401: %s", async (_what, headers, code) => {
  const answer = await list(headers as Record<string, string>);
  expect([answer.status, answer.body.error.code]).toEqual([401, code]);
  expect(answer.headers.get("www-authenticate")).toBe("Bearer");
});

test("401: expired and revoked keys are refused", async () => {
  const expired = await list({ "X-Api-Key": await functions.addKey({ expiresAt: new Date(0) }) });
  expect([expired.status, expired.body.error.code]).toEqual([401, "expired_api_key"]);
  const revoked = await list({ "X-Api-Key": await functions.addKey({ revokedAt: new Date() }) });
  expect([revoked.status, revoked.body.error.code]).toEqual([401, "invalid_api_key"]);
});

test("a refusal is 401 before 404 before 403 before 400", async () => {
  const channelId = await functions.addChannel();
  const send = (id: string, key: string | null) =>
    functions.call("POST", `/channels/${id}/send`, { key, body: "{ not json" });
  const reader = await functions.addKey({ scopes: ["channels:read"] });
  expect((await send("nothing", null)).status).toBe(401);
  expect((await send("nothing", reader)).status).toBe(404);
  expect((await send(channelId, reader)).status).toBe(403);
  expect((await send(channelId, await functions.addKey({ scopes: ["messages:send"] }))).status).toBe(400);
});

test("401: an unknown route, like a known one, is refused without a key", async () => {
  expect((await functions.call("GET", "/api/whatsapp/nothing", { key: null })).status).toBe(401);
});
