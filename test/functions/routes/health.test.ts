import { expect, test } from "vitest";
import type { Store } from "#functions/store/store.ts";
import { functionsFixture } from "../functions.fixture.ts";

test("200: liveness and readiness need no key", async () => {
  await using functions = await functionsFixture();
  for (const path of ["/health/live", "/health/ready"]) {
    const { status, body } = await functions.call("GET", path, { key: null });
    expect([status, body]).toEqual([200, { ok: true }]);
  }
});

test.each(["/health/live", "/health/ready"])(
  "200: OPTIONS %s, the default check of HAProxy",
  async (path) => {
    await using functions = await functionsFixture();
    expect((await functions.call("OPTIONS", path, { key: null })).status).toBe(200);
  },
);

test("503: OPTIONS /health/ready checks as GET does", async () => {
  await using functions = await functionsFixture();
  await functions.db.commands.dropIndex("next");
  expect((await functions.call("OPTIONS", "/health/ready", { key: null })).status).toBe(503);
});

test("readiness that is asked for in a loop reads the database once a second", async () => {
  let reads = 0;
  const withStore = (store: Store): Store => ({
    ...store,
    missingIndexes: () => {
      reads++;
      return store.missingIndexes();
    },
  });
  await using functions = await functionsFixture({ withStore });
  const ask = () => functions.call("GET", "/health/ready", { key: null });
  const answers = await Promise.all(Array.from({ length: 100 }, ask));
  expect(answers.every(({ status }) => status === 200)).toBe(true);
  expect(reads).toBe(1);
});

test("503: readiness names a missing index", async () => {
  await using functions = await functionsFixture();
  await functions.db.commands.dropIndex("next");
  const { status, body } = await functions.call("GET", "/health/ready", { key: null });
  expect([status, body.error.code]).toEqual([503, "database_unavailable"]);
  expect(body.error.details).toEqual({ missing: ["commands.next"] });
});
