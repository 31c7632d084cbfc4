import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readAssets } from "#functions/platforms/node/node-assets.ts";
import { temporaryFolder } from "#test/support/temporary-folder.ts";
import { functionsFixture } from "../functions.fixture.ts";

async function built() {
  const folder = await temporaryFolder();
  await mkdir(join(folder.path, "assets"));
  await writeFile(join(folder.path, "index.html"), "<!doctype html><p>hello");
  await writeFile(join(folder.path, "assets/index-abc.js"), "start()");
  await writeFile(join(folder.path, "odd.bin"), "?");
  return folder;
}

test("200: the console's page and files, without a key, with their types", async () => {
  await using folder = await built();
  await using functions = await functionsFixture({ assets: await readAssets(folder.path) });
  const page = await functions.call("GET", "/", { key: null });
  expect([page.status, page.body]).toEqual([200, "<!doctype html><p>hello"]);
  expect(page.headers.get("content-type")).toBe("text/html; charset=utf-8");
  expect(page.headers.get("cache-control")).toBe("no-cache");
  expect(page.headers.get("content-security-policy")).toMatch(/script-src 'self';.*frame-ancestors 'none'/);
  expect(page.headers.get("content-security-policy")).not.toMatch(/unsafe|https?:/);
  const script = await functions.call("GET", "/assets/index-abc.js", { key: null });
  expect([script.status, script.body]).toEqual([200, "start()"]);
  expect(script.headers.get("content-type")).toBe("text/javascript; charset=utf-8");
  expect(script.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
  const odd = await functions.call("GET", "/odd.bin", { key: null });
  expect(odd.headers.get("content-type")).toBe("application/octet-stream");
});

test("304: what the browser has already", async () => {
  await using folder = await built();
  await using functions = await functionsFixture({ assets: await readAssets(folder.path) });
  const { headers } = await functions.call("GET", "/");
  const again = await functions.call("GET", "/", { headers: { "If-None-Match": headers.get("etag") ?? "" } });
  expect([again.status, again.body]).toEqual([304, ""]);
  const policy = "content-security-policy";
  expect(again.headers.get(policy)).toBe(headers.get(policy));
});

test("404: nothing outside the folder, and no console before it is built", async () => {
  await using folder = await built();
  await using functions = await functionsFixture({ assets: await readAssets(folder.path) });
  for (const path of ["/../package.json", "/assets/..%2f..%2fpackage.json", "/assets/", "/index.htm"])
    expect((await functions.call("GET", path)).status).toBe(404);
  await using bare = await functionsFixture({ assets: await readAssets(join(folder.path, "nowhere")) });
  expect((await bare.call("GET", "/")).status).toBe(404);
});

test("200: the page is told the version, and the sandbox's phone where there is one", async () => {
  await using real = await functionsFixture();
  const { body } = await real.call("GET", "/console.json", { key: null });
  expect(body).toEqual({ version: expect.stringMatching(/^\d+\.\d+\.\d+$/), sandboxUrl: null });
  await using sandbox = await functionsFixture({ sandboxUrl: "http://127.0.0.1:1/" });
  expect((await sandbox.call("GET", "/console.json", { key: null })).body.sandboxUrl).toBe(
    "http://127.0.0.1:1/",
  );
});
