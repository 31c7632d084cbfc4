import { MongoClient } from "mongodb";
import { expect, test } from "vitest";
import { reachablePrimary } from "#infra/reachable-primary.ts";
import { eventually } from "../support/eventually.ts";
import { overProxy, tcpProxy } from "../support/tcp-proxy.ts";
import { testDatabase } from "../support/test-database.ts";

test("a primary is reachable from the first operation until its connections break, and again afterwards", async () => {
  await using database = await testDatabase();
  await using proxy = await tcpProxy(Number(new URL(database.uri).port));
  await using client = new MongoClient(overProxy(proxy, database.uri), { serverSelectionTimeoutMS: 30_000 });
  const isReachable = reachablePrimary(client);
  expect(isReachable()).toBe(false);
  await client.db().command({ ping: 1 });
  expect(isReachable()).toBe(true);
  proxy.cut();
  await eventually(() => !isReachable());
  await proxy.mend();
  await eventually(() => isReachable());
});
