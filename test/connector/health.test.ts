import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import type { Connector } from "#connector/connector.ts";
import { healthListener } from "#connector/health.ts";
import { severableDatabase } from "../support/severable-database.ts";
import { pairedChannel } from "./auth/auth.fixture.ts";
import { fileDatabase } from "./connector.fixture.ts";

const file = fileDatabase();
const key = randomBytes(32);
const retention = { eventsDays: 7, messagesDays: 30 };

async function serving(lease: ReturnType<Connector["leaseState"]>, db = file.database.db) {
  const server = createServer(
    healthListener({ db, connector: { leaseState: () => lease }, encryptionKeys: [key], retention }),
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    return { status: response.status, body: await response.json() };
  };
}

test("`/health/live` answers 200 even without a lease", async () => {
  const get = await serving("not_held");
  expect(await get("/health/live")).toEqual({ status: 200, body: { ok: true } });
});

test("`/health/ready` answers 200 with a lease, a database and its indexes", async () => {
  const get = await serving("held");
  expect(await get("/health/ready?now")).toEqual({
    status: 200,
    body: { ok: true, checks: { database: "ok", lease: "held", credentials: "ok" } },
  });
});

test("`/health/ready` answers 503 while credentials exist and ENCRYPTION_KEY opens none of them", async () => {
  const { db } = file.database;
  const theirs = await pairedChannel(db, { masterKeys: [randomBytes(32)] });
  expect(await (await serving("held"))("/health/ready")).toMatchObject({
    status: 503,
    body: { ok: false, checks: { database: "ok", lease: "held", credentials: "unreadable" } },
  });
  const ours = await pairedChannel(db, { masterKeys: [key] });
  expect(await (await serving("held"))("/health/ready")).toMatchObject({ status: 200 });
  await db.collection("whatsapp_auth_creds").deleteMany({ channelId: { $in: [theirs, ours] } });
});

test("`/health/ready` answers 503 without a lease", async () => {
  const get = await serving("not_held");
  expect(await get("/health/ready")).toMatchObject({
    status: 503,
    body: { ok: false, checks: { database: "ok", lease: "not_held" } },
  });
});

test("`/health/ready` answers 503 and `draining` while the connector drains", async () => {
  const get = await serving("draining");
  expect(await get("/health/ready")).toMatchObject({
    status: 503,
    body: { ok: false, checks: { database: "ok", lease: "draining" } },
  });
});

test("`/health/ready` answers 503 while indexes are missing", async () => {
  const get = await serving("held", file.database.client.db(`${file.database.db.databaseName}_empty`));
  expect(await get("/health/ready")).toMatchObject({
    status: 503,
    body: { checks: { database: "indexes_missing" } },
  });
});

test("`/health/ready` answers 503 while the database cannot be reached", async () => {
  await using severable = await severableDatabase(file.database.db.databaseName);
  severable.cut();
  await severable.db.client.close();
  const get = await serving("held", severable.db);
  expect(await get("/health/ready")).toMatchObject({
    status: 503,
    body: { checks: { database: "unreachable" } },
  });
});

test("any other path answers 404", async () => {
  const get = await serving("held");
  expect(await get("/")).toMatchObject({
    status: 404,
    body: { ok: false, error: { code: "route_not_found", requestId: expect.any(String), retryable: false } },
  });
});
