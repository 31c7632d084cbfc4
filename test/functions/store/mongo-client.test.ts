import { expect, inject, test } from "vitest";
import { functionsMongoClient } from "#functions/store/mongo-client.ts";
import { eventually } from "#test/support/eventually.ts";
import { overProxy, tcpProxy } from "#test/support/tcp-proxy.ts";

test("a connection that was idle for long is replaced, not used: it may have been dropped without notice", async () => {
  await using wire = await tcpProxy(Number(new URL(inject("mongoUri")).port));
  const idleMs = 50;
  await using client = functionsMongoClient(overProxy(wire, inject("mongoUri")), idleMs);
  const connectionsClosed: string[] = [];
  client.on("connectionClosed", ({ reason }) => connectionsClosed.push(reason));
  await client.db("waypost").command({ ping: 1 });
  wire.strand();
  await new Promise((resolve) => setTimeout(resolve, 4 * idleMs));
  await client.db("waypost").command({ ping: 1 });
  await eventually(() => connectionsClosed.includes("idle"));
});

test("connections are replaced after a minute without use", async () => {
  await using client = functionsMongoClient("mongodb://127.0.0.1:1/");
  expect(client.options.maxIdleTimeMS).toBe(60_000);
});

test("the functions' client has a bound for its connections and for every wait", async () => {
  await using client = functionsMongoClient("mongodb://127.0.0.1:1/");
  expect(client.options).toMatchObject({
    ...{ maxPoolSize: 50, serverSelectionTimeoutMS: 3_000, connectTimeoutMS: 3_000 },
    ...{ waitQueueTimeoutMS: 3_000, socketTimeoutMS: 15_000 },
  });
});
