import { expect, test } from "vitest";
import { createConnectTurns } from "#connector/connect-turns.ts";
import { defaultTimings } from "#connector/timings.ts";
import { settings } from "#shared/settings.ts";

/** Rates at which no turn comes during a test, beside those at once. */
const still = { ...defaultTimings, connectsPerSecond: 0.001, ownConnectsPerSecond: 0.001 };
const lease = { id: "now", predecessors: new Set(["before"]) };
const slow = { ...still, connectBurst: 1, ownConnectBurst: 1 };

/** Waits for turns, and resolves to how many came at once. */
async function atOnce(turns: readonly (() => Promise<void>)[]): Promise<number> {
  let count = 0;
  for (const turn of turns) {
    void turn().then(() => {
      count += 1;
    });
  }
  await new Promise((resolve) => setImmediate(resolve));
  return count;
}

const sessions = (count: number, session: () => () => Promise<void>) =>
  Array.from({ length: count }, session);

test("all channels that were ours connect at once, and take no turn of others", async () => {
  const stopping = new AbortController();
  const turns = createConnectTurns(still, lease, stopping.signal);
  expect(await atOnce(sessions(250, () => turns.of("before")))).toBe(250);
  expect(await atOnce(sessions(60, () => turns.of("another")))).toBe(50);
  expect(await atOnce(sessions(10, () => turns.of("before")))).toBe(0);
  stopping.abort();
});

test("as many channels of ours as a connector has by default connect at once", () => {
  expect(settings.MAX_CHANNELS.parse(undefined)).toBe(defaultTimings.ownConnectBurst);
});

test("the next connection of a channel that was ours waits its turn among all", async () => {
  const stopping = new AbortController();
  const turns = createConnectTurns(slow, lease, stopping.signal);
  const turn = turns.of("before");
  expect(await atOnce([turn])).toBe(1);
  expect(await atOnce([turn])).toBe(1);
  expect(await atOnce([turn])).toBe(0);
  stopping.abort();
});

test("a channel was ours under this lease or an earlier one of the same name, and a channel without an owner was not", async () => {
  for (const [formerOwner, atFirst] of [
    ["now", 1],
    ["before", 1],
    ["another", 0],
    [null, 0],
  ] as const) {
    const stopping = new AbortController();
    const turns = createConnectTurns({ ...slow, connectBurst: 0 }, lease, stopping.signal);
    expect(await atOnce([turns.of(formerOwner)])).toBe(atFirst);
    stopping.abort();
  }
});

test("no turn is waited for once the connector stops", async () => {
  const turns = createConnectTurns(slow, lease, AbortSignal.abort());
  expect(await atOnce(sessions(5, () => turns.of("before")))).toBe(5);
  expect(await atOnce(sessions(5, () => turns.of("another")))).toBe(5);
});
