import { readdir } from "node:fs/promises";
import { Hono } from "hono";
import { expect, test } from "vitest";
import { failure } from "#infra/sandbox/admin/errors.ts";
import { phonePageRoutes } from "#infra/sandbox/admin/phone-page.ts";

const app = new Hono().onError(failure).route("/", phonePageRoutes());
const files = await readdir(new URL("../../../../infra/sandbox/admin/phone-page", import.meta.url));

test("the phone page says that it is a simulation", async () => {
  const answer = await app.request("/");
  expect(answer.headers.get("content-type")).toBe("text/html; charset=utf-8");
  expect(await answer.text()).toContain("A simulation.");
});

test("every file of the phone page is served with its type, and every file it refers to exists", async () => {
  const named = new Set<string>();
  for (const file of files) {
    const answer = await app.request(`/${file}`);
    expect([file, answer.status]).toEqual([file, 200]);
    for (const [, name = ""] of (await answer.text()).matchAll(
      /(?:from "\.\/|(?:href|src)=")([a-z-]+\.[a-z]+)"/g,
    ))
      named.add(name);
    if (file.endsWith(".js"))
      expect(answer.headers.get("content-type")).toBe("text/javascript; charset=utf-8");
  }
  expect(files).toEqual(expect.arrayContaining([...named]));
});

test.each(["/nothing.js", "/..%2fadmin.ts", "/%2e%2e%2fadmin.ts", "/admin.ts", "/.js"])(
  "the path %s is not served",
  async (path) => {
    const answer = await app.request(path);
    expect([answer.status, await answer.json()]).toMatchObject([404, { error: { code: "not_found" } }]);
  },
);
