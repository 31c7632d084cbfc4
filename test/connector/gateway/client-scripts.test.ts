import manifest from "socket.io/package.json" with { type: "json" };
import { afterAll, beforeAll, expect, test } from "vitest";
import { ClientScripts } from "#connector/gateway/client-scripts.ts";
import { GatewayFixture } from "./gateway.fixture.ts";

const listed = "https://app.example.com";
let gateway: GatewayFixture;
beforeAll(async () => {
  gateway = await GatewayFixture.start({ origins: [listed] });
});
afterAll(() => gateway[Symbol.asyncDispose]());

const get = (name: string, headers: Record<string, string> = {}) =>
  fetch(`${gateway.url}/socket.io/${name}`, { headers });

test("each script is compressed once, whoever asks for it", async () => {
  const scripts = new ClientScripts();
  const [first, second] = await Promise.all([
    scripts.read("socket.io.js", "br"),
    scripts.read("socket.io.js", "br"),
  ]);
  expect(first).toBe(second);
  expect(await scripts.read("socket.io.js", "br")).toBe(first);
  expect(await scripts.read("socket.io.js", null)).not.toBe(first);
});

test("a script that could not be read is read again for the next request", async () => {
  const scripts = new ClientScripts();
  const first = scripts.read("missing.js", null);
  await expect(first).rejects.toThrow("ENOENT");
  const second = scripts.read("missing.js", null);
  expect(second).not.toBe(first);
  await expect(second).rejects.toThrow("ENOENT");
});

test.each(["br", "gzip", "identity"])("the script is the same in the encoding %s", async (encoding) => {
  const answer = await get("socket.io.min.js?v=1", { "Accept-Encoding": encoding });
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-encoding") ?? "identity").toBe(encoding);
  expect(answer.headers.get("content-type")).toBe("application/javascript; charset=utf-8");
  expect(await answer.text()).toBe(await (await get("socket.io.min.js")).text());
});

test("a script that the browser has is not sent again", async () => {
  const etag = (await get("socket.io.esm.min.js")).headers.get("etag") ?? "";
  expect(etag).toContain(manifest.version);
  const again = await get("socket.io.esm.min.js", { "If-None-Match": etag });
  expect([again.status, await again.text()]).toEqual([304, ""]);
});

test("a page of a listed origin may import the script as a module, one of another origin may not", async () => {
  const allowed = async (origin: string) =>
    (await get("socket.io.esm.min.js", { Origin: origin })).headers.get("access-control-allow-origin");
  expect([await allowed(listed), await allowed("https://evil.example")]).toEqual([listed, null]);
});

test.each(["package.json", "../package.json", "socket.io.css", "%2e%2e/socket.io.js"])(
  "%s is no script",
  async (name) => {
    const answer = await get(name);
    expect(await answer.text()).not.toContain('"version"');
    expect(answer.status).toBeGreaterThanOrEqual(400);
  },
);
