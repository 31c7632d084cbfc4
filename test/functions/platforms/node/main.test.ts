import { expect, test } from "vitest";
import { startChild } from "#test/support/child.ts";
import { testDatabase } from "#test/support/test-database.ts";

const entry = new URL("../../../../functions/platforms/node/main.ts", import.meta.url);

const start = (env: Record<string, string>) => startChild(entry, [], { env });

test.each([
  ["SIGTERM", ["SIGTERM"]],
  ["SIGINT", ["SIGINT"]],
  ["SIGINT twice, as npm passes it on,", ["SIGINT", "SIGINT"]],
] as const)("%s stops the process in order, with exit code 0", async (_, signals) => {
  await using database = await testDatabase();
  await using child = start({ MONGO_URI: database.uri, PORT: "0", API_KEY: "k".repeat(24) });
  const [, url] = await child.prints(/"url":"(http:[^"]+)"/);
  expect((await fetch(`${url}/health/ready`)).status).toBe(200);
  for (const signal of signals) {
    child.signal(signal);
    await child.prints(/functions stop/);
  }
  expect(await child.ended).toBe(0);
  expect(child.err).toBe("");
  expect(child.out).not.toContain("kkkk");
});

test("a wrong configuration ends the process with exit code 1 and one message that lists every mistake", async () => {
  await using child = start({ PORT: "many", API_KEY: "short", SEND_TTL_SECONDS: "0" });
  expect(await child.ended).toBe(1);
  for (const name of ["PORT", "API_KEY", "SEND_TTL_SECONDS", "MONGO_URI"]) expect(child.err).toContain(name);
  expect(child.err).not.toMatch(/^\s+at /m);
  expect(child.out).toBe("");
});

test("an unreachable database ends the process with exit code 1 and a message that names MONGO_URI", async () => {
  await using child = start({ MONGO_URI: "mongodb://user:hidden@127.0.0.1:1/", PORT: "0" });
  expect(await child.ended).toBe(1);
  expect(child.err).toContain("MONGO_URI");
  expect(child.err).not.toContain("hidden");
  expect(child.err).not.toMatch(/^\s+at /m);
});
