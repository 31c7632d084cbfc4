import { expect, test } from "vitest";
import { functionsFixture } from "../functions.fixture.ts";

test("200: liveness and readiness need no key", async () => {
  await using functions = await functionsFixture();
  for (const path of ["/health/live", "/health/ready"]) {
    const { status, body } = await functions.call("GET", path, { key: null });
    expect([status, body]).toEqual([200, { ok: true }]);
  }
});

test("503: readiness names a missing index", async () => {
  await using functions = await functionsFixture();
  await functions.db.commands.dropIndex("next");
  const { status, body } = await functions.call("GET", "/health/ready", { key: null });
  expect([status, body.error.code]).toEqual([503, "database_unavailable"]);
  expect(body.error.details).toEqual({ missing: ["commands.next"] });
});
