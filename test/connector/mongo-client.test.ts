import { expect, onTestFinished, test } from "vitest";
import { connectorMongoClient } from "#connector/mongo-client.ts";

test("a connector's client reads from the primary and writes to a majority, whatever the URI says", () => {
  const client = connectorMongoClient("mongodb://127.0.0.1:1/waypost?readPreference=secondaryPreferred&w=1");
  onTestFinished(() => client.close());
  expect(client.readPreference.mode).toBe("primary");
  expect(client.writeConcern?.w).toBe("majority");
});
