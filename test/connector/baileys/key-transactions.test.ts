import { expect, test } from "vitest";
import { initAuthCreds } from "#connector/baileys/baileys.ts";
import { hardenedSignalRepository } from "#connector/baileys/harden.ts";
import { isAtomic, leaveLock, networkInsideLock } from "#connector/baileys/key-transactions.ts";
import { createParty, introduce, memoryStore } from "./signal-party.fixture.ts";

const own = "15550001111:2@s.whatsapp.net";
const bob = "15550002222@s.whatsapp.net";

function party() {
  const store = memoryStore();
  const creds = { ...initAuthCreds(), me: { id: own } };
  return { ...createParty(own, store, hardenedSignalRepository(store), creds), store };
}

/** Runs `work`, and resolves to how often it wrote a frame inside the lock. */
async function framesInsideLock(work: () => Promise<unknown>): Promise<number> {
  let frames = 0;
  const count = () => frames++;
  networkInsideLock.subscribe(count);
  try {
    await work();
  } finally {
    networkInsideLock.unsubscribe(count);
  }
  return frames;
}

test("a transaction that asks WhatsApp gives the lock back until it is answered, and loses no write", async () => {
  const { keys, store } = party();
  const note = async (id: string) => keys.set({ "device-list": { [id]: ["0"] } });
  const answer = Promise.withResolvers<string>();
  const asking = keys.transaction(async () => {
    await note("before");
    leaveLock();
    const answered = await answer.promise;
    await note("after");
    return answered;
  }, own);
  await keys.transaction(async () => note("meanwhile"), "other");
  expect([...store.rows.keys()].sort()).toEqual(["device-list/before", "device-list/meanwhile"]);
  answer.resolve("answered");
  expect(await asking).toBe("answered");
  expect(store.rows.has("device-list/after")).toBe(true);
});

test("work that goes on after the answer reads what it wrote before it", async () => {
  const { keys } = party();
  const seen = await keys.transaction(async () => {
    await keys.set({ "device-list": { a: ["1"] } });
    leaveLock();
    return await keys.get("device-list", ["a"]);
  }, own);
  expect(seen).toEqual({ a: ["1"] });
});

test("encryptions after the answer are atomic and durable each", async () => {
  const { keys, repository, store } = party();
  const them = createParty(bob, memoryStore());
  await introduce({ ...party(), keys, repository, jid: own }, them);
  const read: string[] = [];
  const sent = await Promise.all(
    [1, 2, 3, 4].map(() =>
      keys.transaction(async () => {
        leaveLock();
        const encrypted = await repository.encryptMessage({ jid: bob, data: Buffer.from("hello") });
        read.push([...store.rows].find(([row]) => row.startsWith("session/"))?.[1] ?? "");
        return encrypted;
      }, own),
    ),
  );
  expect(new Set(sent.map(({ ciphertext }) => Buffer.from(ciphertext).toString("base64"))).size).toBe(4);
  expect(read.every((text) => text !== "")).toBe(true);
});

test("an error after the answer reaches the caller, and keeps what was written", async () => {
  const { keys, store } = party();
  const failing = keys.transaction(async () => {
    await keys.set({ "device-list": { a: ["1"] } });
    leaveLock();
    throw new Error("refused");
  }, own);
  await expect(failing).rejects.toThrow("refused");
  expect(store.rows.has("device-list/a")).toBe(true);
});

test("an error before any query takes back what was written", async () => {
  const { keys, store } = party();
  const failing = keys.transaction(async () => {
    await keys.set({ "device-list": { a: ["1"] } });
    throw new Error("broken");
  }, own);
  await expect(failing).rejects.toThrow("broken");
  expect(store.rows.size).toBe(0);
});

test.each([
  ["of any other name", (work: () => Promise<void>) => party().keys.transaction(work, bob)],
  [
    "inside one of our own name",
    (work: () => Promise<void>) => {
      const { keys } = party();
      return keys.transaction(() => keys.transaction(work, bob), own);
    },
  ],
])(
  "a transaction %s is atomic: it keeps the lock, and a frame written in it is reported",
  async (_, begin) => {
    const frames = await framesInsideLock(() =>
      begin(async () => {
        expect(isAtomic()).toBe(true);
        leaveLock();
        expect(isAtomic()).toBe(true);
      }),
    );
    expect(frames).toBe(1);
  },
);

test("a frame written outside any transaction is nobody's", async () => {
  expect(await framesInsideLock(async () => leaveLock())).toBe(0);
});
