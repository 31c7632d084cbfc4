import { expect, test } from "vitest";
import { createConnectTurns } from "#connector/connect-turns.ts";
import { defaultTimings } from "#connector/timings.ts";
import { settings } from "#shared/settings.ts";

/** Rates at which no turn comes during a test, beside those at once. */
const still = { ...defaultTimings, connectsPerSecond: 0.001, ownConnectsPerSecond: 0.001 };
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
  const turns = createConnectTurns(still, stopping.signal);
  expect(await atOnce(sessions(250, () => turns.of(true)))).toBe(250);
  expect(await atOnce(sessions(60, () => turns.of(false)))).toBe(50);
  expect(await atOnce(sessions(10, () => turns.of(true)))).toBe(0);
  stopping.abort();
});

test("as many channels of ours as a connector has by default connect at once", () => {
  expect(settings.MAX_CHANNELS.parse(undefined)).toBe(defaultTimings.ownConnectBurst);
});

test("the next connection of a channel that was ours waits its turn among all", async () => {
  const stopping = new AbortController();
  const turns = createConnectTurns(slow, stopping.signal);
  const turn = turns.of(true);
  expect(await atOnce([turn])).toBe(1);
  expect(await atOnce([turn])).toBe(1);
  expect(await atOnce([turn])).toBe(0);
  stopping.abort();
});

test("no turn is waited for once the connector stops", async () => {
  const turns = createConnectTurns(slow, AbortSignal.abort());
  expect(await atOnce(sessions(5, () => turns.of(true)))).toBe(5);
  expect(await atOnce(sessions(5, () => turns.of(false)))).toBe(5);
});
