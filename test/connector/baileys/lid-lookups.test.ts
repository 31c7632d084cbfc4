import { afterEach, expect, test, vi } from "vitest";
import { initAuthCreds, type WASocket } from "#connector/baileys/baileys.ts";
import { hardenedSignalRepository } from "#connector/baileys/harden.ts";
import { boundedLookups } from "#connector/baileys/lid-lookups.ts";
import { endTurnsEarly } from "#connector/baileys/message-turns.ts";
import { createParty, memoryStore } from "./signal-party.fixture.ts";

const own = "15550001111:2@s.whatsapp.net";
const bob = "15550002222@s.whatsapp.net";
const lid = "1002@lid";

afterEach(() => vi.useRealTimers());

test("a lookup that is not answered counts as one that found nothing, and is not repeated for a minute", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance", "Date"] });
  const asked: string[][] = [];
  const lookUp = boundedLookups((jids) => {
    asked.push(jids);
    return new Promise(() => undefined);
  });
  const first = lookUp([bob]);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(await first).toEqual([]);
  expect(await lookUp([bob])).toEqual([]);
  expect(asked).toEqual([[bob]]);
});

test("a number without a LID is not asked for again at once, one with a LID is found", async () => {
  const asked: string[][] = [];
  const lookUp = boundedLookups(async (jids) => {
    asked.push(jids);
    return jids.filter((jid) => jid === bob).map((pn) => ({ pn, lid }));
  });
  expect(await lookUp([bob, "15550003333@s.whatsapp.net"])).toEqual([{ pn: bob, lid }]);
  expect(await lookUp(["15550003333@s.whatsapp.net"])).toEqual([]);
  expect(asked).toHaveLength(1);
});

test("received messages wait for one lookup a minute that is not answered, and sends for none of another number", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance", "Date"] });
  const asked: string[] = [];
  const lookUp = boundedLookups((jids) => {
    asked.push(...jids);
    return new Promise(() => undefined);
  });
  const messageMutex: Pick<WASocket["messageMutex"], "mutex"> = { mutex: async (code) => code() };
  endTurnsEarly({ messageMutex });
  const inTurn = (jid: string) => messageMutex.mutex(() => lookUp([jid]));

  const first = inTurn(bob);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(await first).toEqual([]);
  expect(await inTurn("15550003333@s.whatsapp.net")).toEqual([]);
  expect(asked).toEqual([bob]);
  void lookUp(["15550004444@s.whatsapp.net"]);
  expect(asked).toEqual([bob, "15550004444@s.whatsapp.net"]);
  await vi.advanceTimersByTimeAsync(65_000);
  void inTurn("15550003333@s.whatsapp.net");
  await vi.advanceTimersByTimeAsync(0);
  expect(asked).toEqual([bob, "15550004444@s.whatsapp.net", "15550003333@s.whatsapp.net"]);
});

/** A device whose lookups the test answers. */
function device() {
  const store = memoryStore();
  const answer = Promise.withResolvers<void>();
  const asked: string[][] = [];
  const make = hardenedSignalRepository(store);
  const creds = { ...initAuthCreds(), me: { id: own } };
  const party = createParty(
    own,
    store,
    (auth, logger) =>
      make(auth, logger, async (jids) => {
        asked.push(jids);
        await answer.promise;
        return jids.map((pn) => ({ pn, lid }));
      }),
    creds,
  );
  return { ...party, asked, answer };
}

test("inside atomic work no number is looked up", async () => {
  const { keys, repository, asked } = device();
  await keys.transaction(async () => {
    expect(await repository.lidMapping.getLIDForPN(bob)).toBeNull();
  }, bob);
  expect(asked).toEqual([]);
});

test("a lookup inside the lock does not wait for one outside that waits for the lock to store its answer", async () => {
  const { keys, repository, answer } = device();
  const outside = repository.lidMapping.getLIDForPN(bob);
  const inside = await keys.transaction(async () => {
    answer.resolve();
    await new Promise((resolve) => setImmediate(resolve));
    return await keys.transaction(() => repository.lidMapping.getLIDForPN(bob), bob);
  }, own);
  expect(inside).toBeNull();
  expect(await outside).toBe(lid);
});

test("5,000 numbers without a LID are not asked for again, and the one asked for first is", async () => {
  const asked: string[] = [];
  const lookUp = boundedLookups(async (jids) => {
    asked.push(...jids);
    return [];
  });
  const numbers = Array.from({ length: 5_001 }, (_, n) => `${15550100000 + n}@s.whatsapp.net`);
  await lookUp(numbers);
  asked.length = 0;
  await lookUp(numbers.slice(0, 2));
  expect(asked).toEqual(numbers.slice(0, 1));
});
