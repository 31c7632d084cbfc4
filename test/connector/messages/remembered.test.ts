import { expect, test } from "vitest";
import { createChatTimers } from "#connector/messages/chat-timers.ts";
import { createMessageStatuses } from "#connector/messages/message-status.ts";
import { createMessageStore } from "#connector/messages/message-store.ts";
import type { Collections } from "#shared/database.ts";
import { sentText, testSeal } from "./messages.fixture.ts";

const chatOf = (n: number) => `${15550100000 + n}@s.whatsapp.net`;
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

/** An empty collection that counts. */
function counted<Name extends "chats" | "messages">(name: Name) {
  const counts = { reads: 0, writes: [] as number[] };
  const collection = {
    find: () => ({
      async toArray() {
        counts.reads++;
        return [];
      },
    }),
    async bulkWrite(operations: unknown[]) {
      counts.writes.push(operations.length);
    },
    updateOne: async () => undefined,
  };
  return { counts, collections: { [name]: collection } as unknown as Pick<Collections, Name> };
}

test("the timers of 10,000 chats are remembered, and written 500 at a time", async () => {
  const { counts, collections } = counted("chats");
  const timers = createChatTimers(collections, "channel", { addressesOf: async (jid) => [jid] });
  const seen = (n: number) => ({
    id: chatOf(n),
    ephemeralExpiration: 86_400,
    ephemeralSettingTimestamp: 1_700_000_000,
  });
  await timers.learnChats(upTo(1_200).map(seen));
  expect(counts.writes).toEqual([500, 500, 200]);
  await timers.learnChats(upTo(10_001).slice(1_200).map(seen));
  counts.reads = 0;
  await timers.of(chatOf(1));
  expect(counts.reads).toBe(0);
  await timers.of(chatOf(0));
  expect(counts.reads).toBe(1);
});

test("the chats of the last 5,000 sends are remembered for their receipts", async () => {
  const { counts, collections } = counted("messages");
  const store = createMessageStore(collections, "channel", testSeal("channel"));
  for (const n of upTo(5_001)) await store.sending(...sentText(`M${n}`, chatOf(n), "Hello"));
  await store.own(["M1"]);
  expect(counts.reads).toBe(0);
  await store.own(["M0"]);
  expect(counts.reads).toBe(1);
});

test("the statuses of the last 5,000 messages are remembered", async () => {
  const ranked: string[] = [];
  const statuses = createMessageStatuses({
    events: { publish: async () => undefined, lastSeq: 0, raisedSeq: 0 },
    publishedStatuses: {
      eventId: (messageId, status) => `${messageId}/${status}`,
      notSentId: ({ messageId }) => messageId,
      highest: async () => null,
      between: async function* () {},
      outcomes: async () => new Map(),
    },
    messageStore: {
      ...createMessageStore(counted("messages").collections, "channel", testSeal("channel")),
      async rank(messageId) {
        ranked.push(messageId);
        return 0;
      },
    },
    onArrived: async () => undefined,
    onError: () => undefined,
  });
  for (const n of upTo(5_001)) statuses.begin(`M${n}`);
  for (const messageId of ["M1", "M0"]) await statuses.publish({ messageId, status: "sent" });
  expect(ranked).toEqual(["M0"]);
});
