import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createLivenessProbe, type Stage, type StageName } from "#connector/connection/liveness-probe.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "setTimeout", "clearTimeout"] });
});
afterEach(() => void vi.useRealTimers());

const never = () => new Promise<never>(() => undefined);
const atOnce = () => Promise.resolve();

function startProbe(stages: Stage[]) {
  const stalled: StageName[] = [];
  const probe = createLivenessProbe({
    stages,
    everyMs: 5_000,
    onStalled: (name) => stalled.push(name),
  });
  return { stalled, probe };
}

/** A stage that counts its probes. */
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

test("a healthy stage is probed for days and never reported as stalled", async () => {
  const { one, counted } = stage(atOnce);
  const { stalled } = startProbe([one]);
  await vi.advanceTimersByTimeAsync(3 * 86_400_000);
  expect([stalled, counted.probes]).toEqual([[], (3 * 86_400) / 5]);
});

test("a stage that is not doubtful is not probed", async () => {
  const { one, counted } = stage(never, { isDoubtful: () => false });
  const { stalled } = startProbe([one]);
  await vi.advanceTimersByTimeAsync(86_400_000);
  expect([stalled, counted.probes]).toEqual([[], 0]);
});

test("a stage that passes nothing is reported once, after two deadlines, and probed no more", async () => {
  const { one, counted } = stage(never);
  const { stalled } = startProbe([one]);
  await vi.advanceTimersByTimeAsync(24_999);
  expect(stalled).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(stalled).toEqual(["messages"]);
  await vi.advanceTimersByTimeAsync(86_400_000);
  expect([stalled, counted.probes]).toEqual([["messages"], 2]);
});

test("a stage that rejects its probes is reported at once", async () => {
  const { one } = stage(() => Promise.reject(new Error("closed")));
  const { stalled } = startProbe([one]);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(stalled).toEqual(["messages"]);
});

test("a single failure is not reported: this process may have been suspended", async () => {
  let probes = 0;
  const { one } = stage(() => (++probes % 2 === 1 ? never() : atOnce()));
  const { stalled } = startProbe([one]);
  await vi.advanceTimersByTimeAsync(3_600_000);
  expect(stalled).toEqual([]);
  expect(probes).toBeGreaterThan(100);
});

test("a busy stage that makes progress is not reported, however long its queue", async () => {
  let passed = 0;
  const others = setInterval(() => void passed++, 9_000);
  const { one } = stage(never, { progress: () => passed });
  const { stalled } = startProbe([one]);
  await vi.advanceTimersByTimeAsync(3_600_000);
  expect(stalled).toEqual([]);
  clearInterval(others);
  await vi.advanceTimersByTimeAsync(40_000);
  expect(stalled).toEqual(["messages"]);
});

test("`hurry` probes every stage now, doubtful or not", async () => {
  const { one, counted } = stage(never, { name: "wire", isDoubtful: () => false });
  const { stalled, probe } = startProbe([one]);
  probe.hurry();
  probe.hurry();
  await vi.advanceTimersByTimeAsync(20_000);
  expect([stalled, counted.probes]).toEqual([["wire"], 2]);
});

test("a stalled stage does not delay the probes of another", async () => {
  const hung = stage(never, { name: "keys" });
  const healthy = stage(atOnce, { name: "log" });
  const { stalled } = startProbe([hung.one, healthy.one]);
  await vi.advanceTimersByTimeAsync(24_000);
  expect([stalled, healthy.counted.probes]).toEqual([[], 4]);
});

test("a stopped probe reports nothing", async () => {
  const { one } = stage(never);
  const { stalled, probe } = startProbe([one]);
  await vi.advanceTimersByTimeAsync(16_000);
  probe.stop();
  await vi.advanceTimersByTimeAsync(86_400_000);
  expect(stalled).toEqual([]);
});
