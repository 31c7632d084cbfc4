import { afterAll, beforeAll, expect, test } from "vitest";
import { hashSecret } from "#shared/api-key.ts";
import { type FunctionsFixture, functionsFixture } from "../functions.fixture.ts";

let functions: FunctionsFixture;
beforeAll(async () => {
  functions = await functionsFixture();
});
afterAll(() => functions[Symbol.asyncDispose]());

const fromOwnPage = { "Sec-Fetch-Site": "same-origin" };

async function signIn(): Promise<{ Cookie: string }> {
  const apiKey = await functions.addKey();
  const { headers } = await functions.call("POST", "/session", { key: null, body: { apiKey } });
  return { Cookie: headers.getSetCookie()[0]?.split(";", 1)[0] ?? "" };
}

test("200: signing in exchanges a key for a cookie that no script can read", async () => {
  const apiKey = await functions.addKey({ _id: "k1", scopes: ["channels:read"], channels: ["c1"] });
  const { status, body, headers } = await functions.call("POST", "/session", { key: null, body: { apiKey } });
  expect(status).toBe(200);
  expect(body).toEqual({
    ok: true,
    payload: { scopes: ["channels:read"], channels: ["c1"], expiresAt: expect.any(String) },
  });
  const [cookie = ""] = headers.getSetCookie();
  expect(cookie).toMatch(/^waypost_session=[^;]{40,}; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict$/);
  const value = cookie.split(";", 1)[0]?.split("=")[1] ?? "";
  const row = await functions.db.consoleSessions.findOne({ _id: hashSecret(value) });
  expect(row).toMatchObject({ keyId: "k1" });
  expect((row?.expiresAt.getTime() ?? 0) - (row?.createdAt.getTime() ?? 0)).toBe(12 * 3_600_000);
});

test("200: the cookie is Secure on https, also behind the proxies that `TRUST_PROXY` counts, and no others", async () => {
  const secureWith = async (trustProxy: number, url: string, proto?: string) => {
    await using app = await functionsFixture({ settings: { trustProxy } });
    const apiKey = await app.addKey();
    const forwarded = proto === undefined ? {} : { headers: { "X-Forwarded-Proto": proto } };
    const { headers } = await app.call("POST", url, { key: null, body: { apiKey }, ...forwarded });
    return headers.getSetCookie()[0]?.includes("; Secure");
  };
  expect(await secureWith(0, "https://example.com/api/whatsapp/session")).toBe(true);
  expect(await secureWith(1, "/session", "https")).toBe(true);
  expect(await secureWith(2, "/session", "HTTPS, http")).toBe(true);
  expect(await secureWith(1, "/session", "https, http")).toBe(false);
  expect(await secureWith(0, "/session", "https")).toBe(false);
});

test("401: an unknown key creates no session", async () => {
  const { status, body, headers } = await functions.call("POST", "/session", {
    key: null,
    body: { apiKey: "wp_not-a-key" },
  });
  expect([status, body.error.code]).toEqual([401, "invalid_api_key"]);
  expect(headers.getSetCookie()).toEqual([]);
});

test("400: signing in requires a key", async () => {
  const { status, body } = await functions.call("POST", "/session", { key: null });
  expect([status, body.error.details[0].field]).toEqual([400, "apiKey"]);
});

test("413: the body of a sign-in is bounded to 8 KB, because it comes without a key", async () => {
  const body = { apiKey: "k".repeat(8 * 1024) };
  const { status, body: answer } = await functions.call("POST", "/session", { key: null, body });
  expect([status, answer.error.code]).toEqual([413, "body_too_large"]);
});

test("200: the cookie may read from anywhere on this site and write from our own pages", async () => {
  const cookie = await signIn();
  const options = { key: null, body: { name: "a" } };
  expect((await functions.call("GET", "/channels", { key: null, headers: cookie })).status).toBe(200);
  const own = await functions.call("POST", "/channels", {
    ...options,
    headers: { ...cookie, ...fromOwnPage },
  });
  expect(own.status).toBe(201);
  const older = { ...cookie, Origin: "https://localhost", Host: "localhost" };
  expect((await functions.call("POST", "/channels", { ...options, headers: older })).status).toBe(201);
});

test.each([
  ["another site", { "Sec-Fetch-Site": "cross-site", Origin: "http://localhost" }],
  ["a neighbouring origin", { "Sec-Fetch-Site": "same-site" }],
  ["another origin, in an older browser", { Origin: "https://evil.example" }],
  ["an opaque origin", { Origin: "null" }],
  ["a request without origin headers", {}],
])("401: the cookie may not write from %s", async (_what, headers) => {
  const cookie = await signIn();
  const options = { key: null, headers: { ...cookie, ...headers } };
  const create = await functions.call("POST", "/channels", { ...options, body: { name: "a" } });
  expect([create.status, create.body.error.code]).toEqual([401, "missing_api_key"]);
  expect((await functions.call("DELETE", "/session", options)).status).toBe(401);
  expect((await functions.call("GET", "/channels", { key: null, headers: cookie })).status).toBe(200);
});

test("200: signing out ends the session at once and clears the cookie", async () => {
  const cookie = await signIn();
  const list = () => functions.call("GET", "/channels", { key: null, headers: cookie });
  expect((await list()).status).toBe(200);
  const { status, headers } = await functions.call("DELETE", "/session", {
    key: null,
    headers: { ...cookie, ...fromOwnPage },
  });
  expect(status).toBe(200);
  expect(headers.getSetCookie()[0]).toMatch(/^waypost_session=; Max-Age=0; Path=\//);
  expect((await list()).status).toBe(401);
});

test("401: an expired session and one whose key was revoked are refused", async () => {
  const ended = await signIn();
  await functions.db.consoleSessions.updateMany({}, { $set: { expiresAt: new Date(0) } });
  const afterEnd = await functions.call("GET", "/channels", { key: null, headers: ended });
  expect([afterEnd.status, afterEnd.body.error.code]).toEqual([401, "expired_api_key"]);
  const revoked = await signIn();
  await functions.db.apiKeys.updateMany({}, { $set: { revokedAt: new Date() } });
  const afterRevoke = await functions.call("GET", "/channels", { key: null, headers: revoked });
  expect([afterRevoke.status, afterRevoke.body.error.code]).toEqual([401, "invalid_api_key"]);
});
