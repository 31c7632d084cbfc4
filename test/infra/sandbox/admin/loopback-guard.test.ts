import { Hono } from "hono";
import { expect, test } from "vitest";
import { failure } from "#infra/sandbox/admin/errors.ts";
import { guard } from "#infra/sandbox/admin/loopback-guard.ts";

const app = new Hono().onError(failure).use(guard);
app.all("/", (c) => c.json({ ok: true }));

const ask = (headers: Record<string, string>, method = "POST") =>
  app.request("/", {
    method,
    headers: { host: "127.0.0.1:4100", "content-type": "application/json", ...headers },
  });

test.each(["localhost", "localhost:4100", "127.0.0.1:80", "[::1]:4100", "LOCALHOST:1"])(
  "the guard admits the host %s",
  async (host) => {
    expect((await ask({ host }, "GET")).status).toBe(200);
  },
);

test.each([
  "",
  "example.com",
  "localhost.example.com:4100",
  "127.0.0.1.nip.io",
  "127.0.0.1:4100@evil.com",
  "10.0.0.1",
])("the guard refuses the host '%s'", async (host) => {
  const answer = await ask({ host }, "GET");
  expect([answer.status, await answer.json()]).toMatchObject([
    403,
    { ok: false, error: { code: "forbidden" } },
  ]);
});

test("changes are accepted from the page itself and from programs, not from other pages", async () => {
  expect((await ask({})).status).toBe(200);
  expect((await ask({ origin: "http://127.0.0.1:4100" })).status).toBe(200);
  for (const origin of ["http://localhost:3000", "http://127.0.0.1:4101", "https://127.0.0.1:4100", "null"]) {
    expect((await ask({ origin })).status, origin).toBe(403);
    expect((await ask({ origin }, "DELETE")).status, origin).toBe(403);
  }
});

test("a form that another page posts without a preflight is refused by its content type", async () => {
  const answer = await ask({ "content-type": "text/plain" });
  expect([answer.status, await answer.json()]).toMatchObject([
    415,
    { error: { code: "unsupported_media_type" } },
  ]);
  expect((await ask({ "content-type": "application/json; charset=utf-8" })).status).toBe(200);
});

test("every response carries a policy that allows only its own code to run", async () => {
  expect((await ask({}, "GET")).headers.get("content-security-policy")).toContain("default-src 'self'");
});
