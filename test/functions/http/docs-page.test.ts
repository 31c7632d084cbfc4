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

test("/docs shows the calls, finds nothing wrong with the document, and asks no other host for anything", async () => {
  await withPage(browser, {}, async (page) => {
    const elsewhere: string[] = [];
    page.on("request", (request) => {
      const url = new URL(request.url());
      if (/^https?:$/.test(url.protocol) && url.origin !== functions.url) elsewhere.push(url.href);
    });
    const complaints: string[] = [];
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) complaints.push(message.text());
    });
    await page.goto(`${functions.url}/docs`);
    await page.getByRole("heading", { name: "Create a channel" }).first().waitFor();
    expect(elsewhere).toEqual([]);
    expect(complaints).toEqual([]);
  });
});
