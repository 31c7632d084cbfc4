import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { isDuplicate } from "#shared/database-errors.ts";
import { insertTogether } from "#shared/insert-together.ts";
import { commandDocument } from "#test/support/documents.ts";
import { fileDatabase } from "../connector/connector.fixture.ts";
import { hookedCollections } from "../connector/faulty-collections.fixture.ts";

const file = fileDatabase();

/** An insertion whose commands are counted. */
function counted() {
  const calls: string[] = [];
  const { commands } = hookedCollections(file.all, {
    async before({ method }) {
      calls.push(method);
    },
  });
  return { calls, insert: insertTogether(commands) };
}

test("documents of the same moment share an insertion, and their `ord` follows the order of their requests", async () => {
  const { calls, insert } = counted();
  const channelId = randomUUID();
  const documents = Array.from({ length: 20 }, () => commandDocument(channelId));
  await Promise.all(documents.map(insert));
  expect(calls).toEqual(["insertMany"]);
  const stored = await file.all.commands.find({ channelId }).sort({ ord: 1 }).toArray();
  expect(stored.map(({ _id }) => _id)).toEqual(documents.map(({ _id }) => _id));
  expect(new Set(stored.map(({ ord }) => ord.toString())).size).toBe(20);
});

test("a duplicate is refused alone", async () => {
  const { insert } = counted();
  const channelId = randomUUID();
  const [first, second] = [commandDocument(channelId), commandDocument(channelId)];
  await insert(first);
  const [again, other] = await Promise.allSettled([insert(first), insert(second)]);
  expect(again).toMatchObject({ status: "rejected", reason: expect.toSatisfy(isDuplicate) });
  expect(other).toMatchObject({ status: "fulfilled" });
});
