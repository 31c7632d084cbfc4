import { expect, test } from "vitest";
import { pollingResults } from "#functions/results/polling-results.ts";
import { resultsTestsuite } from "./results.testsuite.ts";

resultsTestsuite({ make: (_commands, read) => pollingResults(read) });

test("a waiter stops listening when its wait ends, however it ends", async () => {
  const listening = new Set<string>();
  const read = async (commandId: string) => (commandId === "done" ? ({ state: "succeeded" } as const) : null);
  const listen = (commandId: string) => {
    listening.add(commandId);
    return () => void listening.delete(commandId);
  };
  const { wait } = pollingResults(read, { pausesMs: [10], listen });
  const client = new AbortController();
  const waits = [
    wait("done", 20_000, client.signal),
    wait("late", 20, client.signal),
    wait("aborted", 20_000, client.signal),
  ];
  expect([...listening]).toEqual(["done", "late", "aborted"]);
  await Promise.all(waits.slice(0, 2));
  expect([...listening]).toEqual(["aborted"]);
  client.abort();
  await Promise.all(waits);
  expect([...listening]).toEqual([]);
});

test("a ring makes a waiter read at once", async () => {
  let isDone = false;
  let ringWaiter: () => void = () => undefined;
  const read = async () => (isDone ? ({ state: "succeeded" } as const) : null);
  const { wait } = pollingResults(read, {
    pausesMs: [3_600_000],
    listen(_commandId, ring) {
      ringWaiter = ring;
      return () => undefined;
    },
  });
  const waiting = wait("a", 3_600_000, new AbortController().signal);
  isDone = true;
  ringWaiter();
  expect(await waiting).toEqual({ state: "succeeded" });
});
