import { once } from "node:events";
import { request } from "node:http";
import { pino } from "pino";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ListeningFunctions, serveFunctions } from "#functions/platforms/node/serve.ts";
import { readConfig } from "#shared/config.ts";
import { startBrowser, withPage } from "#test/support/browser.ts";
import { type TestDatabase, testDatabase } from "#test/support/test-database.ts";

let database: TestDatabase;
let functions: ListeningFunctions;
let browser: Browser;
beforeAll(async () => {
  database = await testDatabase();
  const config = readConfig({ MONGO_URI: database.uri, PORT: "0" }, "functions");
  functions = await serveFunctions(config, pino({ level: "silent" }));
  browser = await startBrowser();
});
afterAll(async () => {
  await browser.close();
  await functions[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

test("/docs renders the calls, reports no error in the document and requests nothing from other hosts", async () => {
  await withPage(browser, {}, async (page) => {
    const otherHosts: string[] = [];
    page.on("request", (request) => {
      const url = new URL(request.url());
      if (/^https?:$/.test(url.protocol) && url.origin !== functions.url) otherHosts.push(url.href);
    });
    const problems: string[] = [];
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) problems.push(message.text());
    });
    await page.goto(`${functions.url}/docs`);
    await page.getByRole("heading", { name: "Create a channel" }).first().waitFor();
    expect(otherHosts).toEqual([]);
    expect(problems).toEqual([]);
  });
});

test.each([
  ["br", 1_000_000],
  ["gzip", 1_000_000],
  ["identity", 5_000_000],
])("the script of /docs, encoded as %s, takes at most %i bytes", async (encoding, bytesMax) => {
  const asking = request(`${functions.url}/docs/standalone.js`, { headers: { "Accept-Encoding": encoding } });
  const [answer] = await once(asking.end(), "response");
  let bytes = 0;
  for await (const chunk of answer) bytes += chunk.length;
  expect(bytes).toBeGreaterThan(bytesMax / 2);
  expect(bytes).toBeLessThan(bytesMax);
  expect(answer.headers["content-length"]).toBe(String(bytes));
  expect(answer.headers["content-encoding"] ?? "identity").toBe(encoding);
});

test.each([
  ["br", 12_000],
  ["gzip", 12_000],
])("/openapi.json, encoded as %s, takes at most %i bytes", async (encoding, bytesMax) => {
  const answer = await fetch(`${functions.url}/openapi.json`, { headers: { "Accept-Encoding": encoding } });
  expect(answer.headers.get("content-encoding")).toBe(encoding);
  expect(answer.headers.get("vary")).toMatch(/Accept-Encoding/);
  expect(Number(answer.headers.get("content-length"))).toBeLessThan(bytesMax);
  expect((await answer.text()).length).toBeGreaterThan(bytesMax);
});

test("HEAD /openapi.json names no encoding, because nothing is compressed for it", async () => {
  const headers = { "Accept-Encoding": "br" };
  const answer = await fetch(`${functions.url}/openapi.json`, { method: "HEAD", headers });
  expect([answer.status, answer.headers.get("content-encoding")]).toEqual([200, null]);
  expect(await answer.text()).toBe("");
});
