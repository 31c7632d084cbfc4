import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createLivenessProbe, type Stage, type StageName } from "#connector/connection/liveness-probe.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const never = () => new Promise<never>(() => undefined);
const atOnce = () => Promise.resolve();

function probing(stages: Stage[]) {
  const deaf: StageName[] = [];
  const probe = createLivenessProbe({
    stages,
    everyMs: 5_000,
    onStalled: (name) => deaf.push(name),
  });
  return { deaf, probe };
}

/** A part that counts its probes. */
function stage(pass: () => Promise<unknown>, fields: Partial<Stage> = {}) {
  const counted = { probes: 0 };
  const one: Stage = {
    name: "messages",
    deadlineMs: 10_000,
    isDoubtful: () => true,
    progress: () => 0,
    ...fields,
    pass() {
      counted.probes++;
      return pass();
    },
  };
  return { one, counted };
}

test("a part that carries is probed for days and never called deaf", async () => {
  const { one, counted } = stage(atOnce);
  const { deaf } = probing([one]);
  await vi.advanceTimersByTimeAsync(3 * 86_400_000);
  expect([deaf, counted.probes]).toEqual([[], (3 * 86_400) / 5]);
});

test("a part that is not doubtful is not probed", async () => {
  const { one, counted } = stage(never, { isDoubtful: () => false });
  const { deaf } = probing([one]);
  await vi.advanceTimersByTimeAsync(86_400_000);
  expect([deaf, counted.probes]).toEqual([[], 0]);
});

test("a part that carries nothing is deaf after two deadlines, told once and probed no more", async () => {
  const { one, counted } = stage(never);
  const { deaf } = probing([one]);
  await vi.advanceTimersByTimeAsync(24_999);
  expect(deaf).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(deaf).toEqual(["messages"]);
  await vi.advanceTimersByTimeAsync(86_400_000);
  expect([deaf, counted.probes]).toEqual([["messages"], 2]);
});

test("a part that refuses at once is deaf at once", async () => {
  const { one } = stage(() => Promise.reject(new Error("closed")));
  const { deaf } = probing([one]);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(deaf).toEqual(["messages"]);
});

test("one failure is not enough: this process may have been held up", async () => {
  let probes = 0;
  const { one } = stage(() => (++probes % 2 === 1 ? never() : atOnce()));
  const { deaf } = probing([one]);
  await vi.advanceTimersByTimeAsync(3_600_000);
  expect(deaf).toEqual([]);
  expect(probes).toBeGreaterThan(100);
});

test("what is busy and goes on is not deaf, however long its queue", async () => {
  let passed = 0;
  const others = setInterval(() => void passed++, 9_000);
  const { one } = stage(never, { progress: () => passed });
  const { deaf } = probing([one]);
  await vi.advanceTimersByTimeAsync(3_600_000);
  expect(deaf).toEqual([]);
  clearInterval(others);
  await vi.advanceTimersByTimeAsync(40_000);
  expect(deaf).toEqual(["messages"]);
});

test("a hurried probe asks every part now, doubtful or not", async () => {
  const { one, counted } = stage(never, { name: "wire", isDoubtful: () => false });
  const { deaf, probe } = probing([one]);
  probe.hurry();
  probe.hurry();
  await vi.advanceTimersByTimeAsync(20_000);
  expect([deaf, counted.probes]).toEqual([["wire"], 2]);
});

test("a part that hangs does not keep another from being probed", async () => {
  const stuck = stage(never, { name: "keys" });
  const well = stage(atOnce, { name: "log" });
  const { deaf } = probing([stuck.one, well.one]);
  await vi.advanceTimersByTimeAsync(24_000);
  expect([deaf, well.counted.probes]).toEqual([[], 4]);
});

test("a probe that was stopped says nothing more", async () => {
  const { one } = stage(never);
  const { deaf, probe } = probing([one]);
  await vi.advanceTimersByTimeAsync(16_000);
  probe.stop();
  await vi.advanceTimersByTimeAsync(86_400_000);
  expect(deaf).toEqual([]);
});
