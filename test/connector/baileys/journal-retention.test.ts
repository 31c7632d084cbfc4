import { expect, test, vi } from "vitest";
import { createJournalRetention } from "#connector/baileys/journal-retention.ts";

function open() {
  const dropped: string[] = [];
  const retention = createJournalRetention((rows) => dropped.push(...rows));
  retention.connecting();
  return { retention, dropped };
}

test("all rows of a message are dropped together, once it is published and confirmed", () => {
  const { retention, dropped } = open();
  retention.stored("M1", "a");
  retention.stored("M1", "b");
  retention.stored("M2", "c");
  retention.published("M1");
  retention.confirmed("M2");
  expect(dropped).toEqual([]);
  retention.confirmed("M1");
  expect(dropped).toEqual(["a", "b"]);
});

test("catching up drops the former connection's messages, but not the redelivered ones", () => {
  const { retention, dropped } = open();
  retention.stored("M1", "a");
  retention.stored("M2", "b");
  retention.stored("M3", "c");
  retention.published("M1");
  retention.published("M2");
  retention.connecting();
  retention.arrived("M2");
  retention.caughtUp();
  expect(dropped).toEqual(["a"]);
  expect(retention.publishedRows()).toEqual(new Set(["b"]));
  retention.published("M3");
  expect(dropped).toEqual(["a", "c"]);
});

test("a redelivered message must be confirmed again", () => {
  const { retention, dropped } = open();
  retention.stored("M1", "a");
  retention.confirmed("M1");
  retention.arrived("M1");
  retention.published("M1");
  expect(dropped).toEqual([]);
});

test("a published message whose receipt is never acknowledged is dropped eventually", () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  try {
    const { retention, dropped } = open();
    retention.stored("M1", "a");
    retention.published("M1");
    vi.advanceTimersByTime(61_000);
    retention.stored("M2", "b");
    expect(dropped).toEqual(["a"]);
  } finally {
    vi.useRealTimers();
  }
});

test("beyond 10,000 messages the oldest is not tracked; its row stays unless it is published", () => {
  const { retention, dropped } = open();
  for (let n = 0; n < 10_002; n++) {
    retention.stored(`M${n}`, `row ${n}`);
    if (n === 1) retention.published("M1");
  }
  expect(dropped).toEqual(["row 1"]);
});
