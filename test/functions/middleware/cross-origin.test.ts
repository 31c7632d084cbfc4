import { afterAll, beforeAll, expect, test } from "vitest";
import { type FunctionsFixture, functionsFixture } from "../functions.fixture.ts";

const friend = "https://app.example.com";

let functions: FunctionsFixture;
beforeAll(async () => {
  functions = await functionsFixture({ settings: { frontendOrigins: [friend] } });
});
afterAll(() => functions[Symbol.asyncDispose]());

test("204: the preflight of a listed origin needs no key and lists what may be sent", async () => {
  const { status, headers } = await functions.call("OPTIONS", "/channels", {
    key: null,
    headers: { Origin: friend, "Access-Control-Request-Method": "POST" },
  });
  expect(status).toBe(204);
  expect(headers.get("access-control-allow-origin")).toBe(friend);
  expect(headers.get("access-control-allow-headers")).toBe(
    "Content-Type,X-Api-Key,Authorization,Idempotency-Key,Prefer",
  );
  expect(headers.get("access-control-allow-methods")).toBe("GET,HEAD,POST,PATCH,DELETE");
  expect(headers.get("access-control-allow-credentials")).toBeNull();
});

test("a listed origin may read answers, refusals included, and the exposed headers", async () => {
  for (const path of ["/channels", "/channels/nothing", "/api/whatsapp/nowhere"]) {
    const { headers } = await functions.call("GET", path, { headers: { Origin: friend } });
    expect(headers.get("access-control-allow-origin")).toBe(friend);
    expect(headers.get("access-control-expose-headers")).toBe(
      "Location,X-Request-Id,Idempotency-Replayed,Preference-Applied,Retry-After",
    );
    expect(headers.get("vary")).toMatch(/Origin/);
  }
});

test("an origin that is not listed is allowed nothing", async () => {
  for (const origin of ["https://evil.example", "http://app.example.com", "null"]) {
    const { headers } = await functions.call("OPTIONS", "/channels", {
      key: null,
      headers: { Origin: origin },
    });
    expect(headers.get("access-control-allow-origin")).toBeNull();
  }
});
