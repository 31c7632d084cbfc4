import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createRebalancing } from "#connector/ownership/rebalancing.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["performance"] }));
afterEach(() => void vi.useRealTimers());

const quietMs = 1_000;

/** A connector `me` with channels, of which `theirs` should be at a peer. */
function balancing() {
  const now = {
    joins: 0,
    changedAt: Number.NEGATIVE_INFINITY,
    channels: ["one", "two", "three", "four"],
    theirs: ["one", "two", "three"],
    resting: [] as string[],
    busy: [] as string[],
    asked: 0,
  };
  const rebalancing = createRebalancing({
    membership: {
      joins: () => now.joins,
      changedAt: () => now.changedAt,
      forOthers: async (channelIds) => channelIds.filter((channelId) => now.theirs.includes(channelId)),
    },
    channels: () => now.channels,
    resting: async () => now.resting,
    movable: async (channelIds) => {
      now.asked++;
      return channelIds.filter((channelId) => !now.busy.includes(channelId));
    },
    quietMs,
  });
  const moved = async () => {
    const gone: string[] = [];
    for (let next = await rebalancing.next(); next; next = await rebalancing.next()) {
      gone.push(next);
      now.channels = now.channels.filter((channelId) => channelId !== next);
    }
    return gone;
  };
  return { now, moved };
}

test("channels move only after a connector joined", async () => {
  const { now, moved } = balancing();
  expect(await moved()).toEqual([]);
  now.joins++;
  expect(await moved()).toEqual(["one", "two", "three"]);
});

test("channels move only after a quiet time", async () => {
  const { now, moved } = balancing();
  now.joins++;
  now.changedAt = performance.now();
  expect(await moved()).toEqual([]);
  now.changedAt -= 1_000;
  expect(await moved()).toEqual(["one", "two", "three"]);
});

test("a channel that returns moves again only after another join", async () => {
  const { now, moved } = balancing();
  now.joins++;
  await moved();
  now.channels = ["one", "four"];
  expect(await moved()).toEqual([]);
  now.joins++;
  expect(await moved()).toEqual(["one"]);
});

test("a busy channel moves later and delays no other; a channel moved recently stays", async () => {
  const { now, moved } = balancing();
  now.joins++;
  now.busy = ["one"];
  now.resting = ["two"];
  expect(await moved()).toEqual(["three"]);
  now.busy = [];
  vi.advanceTimersByTime(quietMs);
  expect(await moved()).toEqual(["one"]);
});

test("a plan without a movable channel is checked once per quiet time", async () => {
  const { now, moved } = balancing();
  now.joins++;
  now.busy = ["one", "two", "three"];
  for (let time = 0; time < 10; time++) expect(await moved()).toEqual([]);
  expect(now.asked).toBe(1);
  vi.advanceTimersByTime(quietMs);
  expect(await moved()).toEqual([]);
  expect(now.asked).toBe(2);
});

test("a planned move is dropped when the channel no longer prefers another connector", async () => {
  const { now, moved } = balancing();
  now.joins++;
  now.busy = ["one", "two"];
  expect(await moved()).toEqual(["three"]);
  now.theirs = ["two"];
  now.busy = [];
  vi.advanceTimersByTime(quietMs);
  expect(await moved()).toEqual(["two"]);
  now.theirs = ["one"];
  expect(await moved()).toEqual([]);
});
