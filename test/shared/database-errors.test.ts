import {
  MongoBulkWriteError,
  MongoClient,
  type MongoError,
  MongoInvalidArgumentError,
  MongoNetworkError,
  MongoNotConnectedError,
  MongoServerError,
} from "mongodb";
import { expect, inject, test } from "vitest";
import { databaseAnswer } from "#shared/database-errors.ts";
import { ServiceError } from "#shared/errors.ts";

const longMs = 60_000;

function failed(error: unknown): Promise<unknown> {
  return databaseAnswer(Promise.reject(error), longMs).catch((thrown: unknown) => thrown);
}

test("an operation's result is passed through", async () => {
  expect(await databaseAnswer(Promise.resolve(7), longMs)).toBe(7);
});

test("an operation that takes longer than the limit is `database_unavailable`", async () => {
  const never = new Promise<never>(() => undefined);
  await expect(databaseAnswer(never, 1)).rejects.toMatchObject({ code: "database_unavailable" });
});

test.each<[string, MongoError]>([
  ["a lost connection", new MongoNetworkError("connection 1 closed")],
  ["a closed client", new MongoNotConnectedError("Client must be connected")],
  ["an election", new MongoServerError({ code: 189, message: "stepped down" })],
  ["an unreachable majority", new MongoServerError({ code: 64, message: "waiting for replication" })],
  [
    "a bulk that lost its connection",
    new MongoBulkWriteError(new MongoNetworkError("closed"), Object.create(null)),
  ],
  ["refused credentials", new MongoServerError({ code: 18, message: "authentication failed" })],
])("%s is `database_unavailable`, with its cause", async (_what, error) => {
  expect(await failed(error)).toMatchObject({ code: "database_unavailable", cause: error });
});

test.each(["EPIPE", "ECONNRESET", "ETIMEDOUT", "ERR_STREAM_DESTROYED"])(
  "a write to a broken connection (%s) is `database_unavailable`",
  async (code) => {
    expect(await failed(Object.assign(new Error("write"), { code }))).toMatchObject({
      code: "database_unavailable",
    });
  },
);

test.each<[string, Error]>([
  ["a duplicate key", new MongoServerError({ code: 11000, message: "E11000" })],
  [
    "a duplicate key in a bulk",
    new MongoBulkWriteError({ message: "E11000", code: 11000, writeErrors: [] }, Object.create(null)),
  ],
  ["misuse of the driver", new MongoInvalidArgumentError("no")],
  ["an expected failure", new ServiceError("channel_not_found")],
  ["a bug", new TypeError("undefined is not a function")],
])("%s is rethrown unchanged", async (_what, error) => {
  expect(await failed(error)).toBe(error);
});

test("an unreachable server is `database_unavailable`, for a read and for a bulk", async () => {
  const uri = new URL(inject("mongoUri"));
  await using client = new MongoClient(`mongodb://${uri.hostname}:1/`, { serverSelectionTimeoutMS: 1 });
  const rows = client.db().collection("any");
  const operations: (() => Promise<unknown>)[] = [
    () => rows.findOne(),
    () => rows.bulkWrite([{ insertOne: { document: {} } }]),
  ];
  for (const operation of operations) {
    await expect(databaseAnswer(operation(), longMs)).rejects.toMatchObject({ code: "database_unavailable" });
  }
});
