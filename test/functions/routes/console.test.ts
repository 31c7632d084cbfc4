import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { readAssets } from "#functions/platforms/node/node-assets.ts";
import { consoleRoutes } from "#functions/routes/console.ts";
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

test("200: the console's page and files are served without a key, with their types", async () => {
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

test("304: a file that the browser has cached is not sent again", async () => {
  await using folder = await built();
  await using functions = await functionsFixture({ assets: await readAssets(folder.path) });
  const { headers } = await functions.call("GET", "/");
  const again = await functions.call("GET", "/", { headers: { "If-None-Match": headers.get("etag") ?? "" } });
  expect([again.status, again.body]).toEqual([304, ""]);
  const policy = "content-security-policy";
  expect(again.headers.get(policy)).toBe(headers.get(policy));
});

const large = `start("${"x".repeat(5_000)}")`;

/** Creates the console's routes with one file that the build compressed. */
async function withCompressed() {
  await using folder = await built();
  await writeFile(join(folder.path, "large.js"), large);
  await writeFile(join(folder.path, "large.js.br"), brotliCompressSync(large));
  await writeFile(join(folder.path, "large.js.gz"), gzipSync(large));
  await writeFile(join(folder.path, "alone.gz"), "?");
  return consoleRoutes({ assets: await readAssets(folder.path) });
}

test.each([
  ["gzip, deflate, br, zstd", "br", brotliCompressSync(large).length],
  ["gzip, deflate", "gzip", gzipSync(large).length],
  ["br;q=0, *", "gzip", gzipSync(large).length],
  ["br;q=0, gzip;q=0", null, large.length],
  ["identity, br;q=0.5", null, large.length],
  ["deflate", null, large.length],
  ["", null, large.length],
])("Accept-Encoding %o gets a file encoded as %o", async (accept, encoding, bytes) => {
  const routes = await withCompressed();
  const headers = { "Accept-Encoding": accept };
  const answer = await routes.request("/large.js", { headers });
  expect(answer.headers.get("content-encoding")).toBe(encoding);
  expect(answer.headers.get("vary")).toBe("Accept-Encoding");
  expect(answer.headers.get("content-type")).toBe("text/javascript; charset=utf-8");
  expect(answer.headers.get("content-length")).toBe(String(bytes));
  expect((await answer.arrayBuffer()).byteLength).toBe(bytes);
  const head = await routes.request("/large.js", { method: "HEAD", headers });
  expect(Object.fromEntries(head.headers)).toEqual(Object.fromEntries(answer.headers));
  expect(await head.text()).toBe("");
});

test("each encoding of a file has an ETag of its own, which a 304 confirms for that encoding alone", async () => {
  const routes = await withCompressed();
  const tagOf = async (accept: string) => {
    const { headers } = await routes.request("/large.js", { headers: { "Accept-Encoding": accept } });
    return headers.get("etag") ?? "";
  };
  const tags = { br: await tagOf("br"), gzip: await tagOf("gzip"), identity: await tagOf("identity") };
  expect(new Set(Object.values(tags)).size).toBe(3);
  const ask = async (accept: string, ifNoneMatch: string) => {
    const headers = { "Accept-Encoding": accept, "If-None-Match": ifNoneMatch };
    return routes.request("/large.js", { headers });
  };
  for (const list of [tags.br, `W/${tags.br}`, `"other", ${tags.br}`, "*"]) {
    const { status, headers } = await ask("br", list);
    expect([list, status]).toEqual([list, 304]);
    expect([headers.get("etag"), headers.get("vary")]).toEqual([tags.br, "Accept-Encoding"]);
    expect([headers.get("content-encoding"), headers.get("content-length")]).toEqual([null, null]);
  }
  expect((await ask("br", tags.gzip)).status).toBe(200);
  expect((await ask("identity", `${tags.br}, ${tags.gzip}`)).status).toBe(200);
});

test("a compressed file has no path of its own unless the original is missing", async () => {
  const routes = await withCompressed();
  expect((await routes.request("/large.js.br")).status).toBe(404);
  expect((await routes.request("/alone.gz")).status).toBe(200);
  expect((await routes.request("/odd.bin")).headers.get("vary")).toBeNull();
});

test("404: nothing outside the folder is served, and no console before it is built", async () => {
  await using folder = await built();
  await using functions = await functionsFixture({ assets: await readAssets(folder.path) });
  for (const path of ["/../package.json", "/assets/..%2f..%2fpackage.json", "/assets/", "/index.htm"])
    expect((await functions.call("GET", path)).status).toBe(404);
  await using bare = await functionsFixture({ assets: await readAssets(join(folder.path, "nowhere")) });
  const { status, body } = await bare.call("GET", "/", { key: null });
  expect([status, body.error.code]).toEqual([404, "route_not_found"]);
  expect(body.error.message).toContain("npm ci && npm run build");
});

test("200: /console.json has the version, and the URL of the sandbox's phone if there is one", async () => {
  await using real = await functionsFixture();
  const { body } = await real.call("GET", "/console.json", { key: null });
  expect(body).toEqual({ version: expect.stringMatching(/^\d+\.\d+\.\d+$/), sandboxUrl: null });
  await using sandbox = await functionsFixture({ sandboxUrl: "http://127.0.0.1:1/" });
  expect((await sandbox.call("GET", "/console.json", { key: null })).body.sandboxUrl).toBe(
    "http://127.0.0.1:1/",
  );
});
