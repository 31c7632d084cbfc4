import { afterAll, expect, vi } from "vitest";

/**
 * Setup file of the unit project, whose test files share a process: fails a file that leaves behind environment variables,
 * process listeners or fake timers, which would affect the next file.
 */
const before = globalState();

afterAll(() => {
  const problem = "restore it after the tests: the files of the unit project share a process";
  expect(globalState(), problem).toEqual(before);
});

function globalState() {
  const listeners = process.eventNames().map((name) => [String(name), process.listenerCount(name)]);
  return { env: { ...process.env }, listeners: Object.fromEntries(listeners), fakeTimers: vi.isFakeTimers() };
}
