import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import type { Connector } from "#connector/connector.ts";
import { healthListener } from "#connector/health.ts";
import { severableDatabase } from "../support/severable-database.ts";
import { fileDatabase } from "./connector.fixture.ts";

const file = fileDatabase();
const retention = { eventsDays: 7, messagesDays: 30 };

async function serving(standing: ReturnType<Connector["leaseState"]>, db = file.database.db) {
  const server = createServer(healthListener({ db, connector: { leaseState: () => standing }, retention }));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    return { status: response.status, body: await response.json() };
  };
}

test("200: lives, whatever the database does", async () => {
  const get = await serving("not_held");
  expect(await get("/health/live")).toEqual({ status: 200, body: { ok: true } });
});

test("200: is ready with a lease, a database and its indexes", async () => {
  const get = await serving("held");
  expect(await get("/health/ready?now")).toEqual({
    status: 200,
    body: { ok: true, checks: { database: "ok", lease: "held" } },
  });
});

test("503: is not ready without a lease", async () => {
  const get = await serving("not_held");
  expect(await get("/health/ready")).toMatchObject({
    status: 503,
    body: { ok: false, checks: { database: "ok", lease: "not_held" } },
  });
});

test("503: is not ready while it drains, and says so", async () => {
  const get = await serving("draining");
  expect(await get("/health/ready")).toMatchObject({
    status: 503,
    body: { ok: false, checks: { database: "ok", lease: "draining" } },
  });
});

test("503: is not ready while indexes are missing", async () => {
  const get = await serving("held", file.database.client.db(`${file.database.db.databaseName}_empty`));
  expect(await get("/health/ready")).toMatchObject({
    status: 503,
    body: { checks: { database: "indexes_missing" } },
  });
});

test("503: is not ready while the database is away", async () => {
  await using severable = await severableDatabase(file.database.db.databaseName);
  severable.cut();
  await severable.db.client.close();
  const get = await serving("held", severable.db);
  expect(await get("/health/ready")).toMatchObject({
    status: 503,
    body: { checks: { database: "unreachable" } },
  });
});

test("404: there is nothing else", async () => {
  const get = await serving("held");
  expect(await get("/")).toMatchObject({
    status: 404,
    body: { ok: false, error: { code: "route_not_found", requestId: expect.any(String), retryable: false } },
  });
});
