import { afterAll, expect, vi } from "vitest";

/**
 * Set up before each file of the unit project, whose files share a process: fails a file that leaves something behind
 * which the next one would meet.
 */
const before = traces();

afterAll(() => {
  const problem = "restore it after the tests: the files of the unit project share a process";
  expect(traces(), problem).toEqual(before);
});

function traces() {
  const listeners = process.eventNames().map((name) => [String(name), process.listenerCount(name)]);
  return { env: { ...process.env }, listeners: Object.fromEntries(listeners), fakeTimers: vi.isFakeTimers() };
}
