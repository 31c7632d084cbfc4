import { setImmediate } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { markEncrypted, markWritten, traceRelay } from "#connector/baileys/wire-trace.ts";

const to = "15550100001@s.whatsapp.net";
const broken = new Error("broken");
const steps = { encrypt: markEncrypted, write: markWritten };

/** A relay that takes these steps in order, across async hops, and then fails. */
function failing(...done: Array<keyof typeof steps>) {
  return traceRelay(to, async () => {
    for (const name of done) {
      await setImmediate();
      steps[name]();
    }
    await setImmediate();
    throw broken;
  });
}

describe("a relay that fails", () => {
  test.each<{ done: Array<keyof typeof steps>; isOnWire: boolean }>([
    { done: [], isOnWire: false },
    { done: ["write"], isOnWire: false },
    { done: ["encrypt"], isOnWire: false },
    { done: ["write", "encrypt"], isOnWire: false },
    { done: ["encrypt", "write"], isOnWire: true },
    { done: ["write", "encrypt", "encrypt", "write"], isOnWire: true },
  ])("after $done may have left: $isOnWire", async ({ done, isOnWire }) => {
    expect(await failing(...done)).toEqual({ isOnWire, error: broken });
  });

  test("synchronously is reported like any other", async () => {
    const relay = () => {
      throw broken;
    };
    expect(await traceRelay(to, relay)).toEqual({ isOnWire: false, error: broken });
  });
});

test("a relay that succeeds has left", async () => {
  expect(await traceRelay(to, async () => "done")).toEqual({ isOnWire: true });
});

test("relays at the same time do not see each other's frames", async () => {
  const [sent, stopped] = await Promise.all([failing("encrypt", "write"), failing("encrypt")]);
  expect([sent.isOnWire, stopped.isOnWire]).toEqual([true, false]);
});

test("frames written outside any relay count for none", async () => {
  const relay = failing("encrypt");
  markEncrypted();
  markWritten();
  expect((await relay).isOnWire).toBe(false);
});
