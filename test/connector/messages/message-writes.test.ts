import { randomUUID } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { MongoNetworkError } from "mongodb";
import { expect, onTestFinished, test, vi } from "vitest";
import { createMessageStore } from "#connector/messages/message-store.ts";
import { fileDatabase } from "../connector.fixture.ts";
import { hookedCollections } from "../faulty-collections.fixture.ts";
import { sentText, testSeal } from "./messages.fixture.ts";

const file = fileDatabase();
const peer = "15550100001@s.whatsapp.net";
const text = "Hello";

/** The stores of several channels on the same collections, with the size of each bulk they write. */
function storeOf(collections: typeof file.all, channelId: string) {
  return createMessageStore(collections, channelId, testSeal(channelId));
}

function channels(before: (bulk: number) => Promise<void> = async () => undefined) {
  const bulks: number[] = [];
  const hooked = hookedCollections(file.all, {
    async before({ args: [operations] }) {
      if (Array.isArray(operations)) bulks.push(operations.length);
      await before(bulks.length);
    },
  });
  const stores = Array.from({ length: 3 }, () => storeOf(hooked, randomUUID()));
  return { bulks, stores };
}

test("what channels write at the same moment is one command", async () => {
  const { bulks, stores } = channels();
  await Promise.all(
    stores.flatMap((store) => ["A", "B"].map((id) => store.sending(...sentText(id, peer, text)))),
  );
  await Promise.all(stores.flatMap((store) => ["A", "B"].map((id) => store.raise(id, { status: "sent" }))));
  expect(bulks).toEqual([6, 6]);
  const ranks = await Promise.all(stores.flatMap((store) => ["A", "B"].map((id) => store.rank(id))));
  expect(new Set(ranks).size).toBe(1);
});

test("the statuses of one message within a moment are one update, to the highest of them", async () => {
  const { bulks, stores } = channels();
  const [store] = stores;
  await store?.sending(...sentText("A", peer, text));
  await Promise.all((["sent", "read", "delivered"] as const).map((status) => store?.raise("A", { status })));
  expect(bulks).toEqual([1, 1]);
  expect(await file.all.messages.findOne({ messageId: "A", status: "read" })).not.toBeNull();
});

test("raises wait until they are flushed, or until a hundred messages wait", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
  const { bulks, stores } = channels();
  const [store] = stores;
  const raised = store?.raise("A", { status: "sent" });
  await store?.flush();
  await raised;
  await Promise.all(Array.from({ length: 100 }, (_, index) => store?.raise(`${index}`, { status: "sent" })));
  expect(bulks).toEqual([1, 100]);
});

test("a record waits for no raise, however long that takes", async () => {
  const held = Promise.withResolvers<void>();
  const { stores } = channels((bulk) => (bulk === 1 ? held.promise : Promise.resolve()));
  const [store] = stores;
  // A call that stalls would let the next one begin.
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
  const raised = store?.raise("A", { status: "sent" });
  const flushed = store?.flush();
  await setImmediate();
  await store?.sending(...sentText("B", peer, text));
  held.resolve();
  await Promise.all([raised, flushed]);
});

test("a row that is too large fails alone", async () => {
  const { stores } = channels();
  const rows = stores.map((store, index) =>
    store.sending(...sentText(index === 1 ? "x".repeat(17 * 1024 * 1024) : "A", peer, text)),
  );
  expect((await Promise.allSettled(rows)).map(({ status }) => status)).toEqual([
    "fulfilled",
    "rejected",
    "fulfilled",
  ]);
});

test("a lost connection fails what shared the command, and no more", async () => {
  const { stores } = channels(async (bulk) => {
    if (bulk === 1) throw new MongoNetworkError("lost");
  });
  const send = (id: string) => stores.map((store) => store.sending(...sentText(id, peer, text)));
  const lost = await Promise.allSettled(send("A"));
  expect(lost.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
  await Promise.all(send("B"));
});
