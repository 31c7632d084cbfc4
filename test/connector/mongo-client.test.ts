import { expect, onTestFinished, test } from "vitest";
import { connectorMongoClient } from "#connector/mongo-client.ts";

test("a connector's client reads from the primary and writes to a majority, whatever the URI says", () => {
  const client = connectorMongoClient("mongodb://127.0.0.1:1/waypost?readPreference=secondaryPreferred&w=1");
  onTestFinished(() => client.close());
  expect(client.readPreference.mode).toBe("primary");
  expect(client.writeConcern?.w).toBe("majority");
});

test("a connector's client has a bound for its connections and for every wait", () => {
  const client = connectorMongoClient("mongodb://127.0.0.1:1/waypost");
  onTestFinished(() => client.close());
  expect(client.options).toMatchObject({
    ...{ maxPoolSize: 100, serverSelectionTimeoutMS: 5_000, connectTimeoutMS: 5_000 },
    ...{ waitQueueTimeoutMS: 10_000, socketTimeoutMS: 30_000 },
  });
});
