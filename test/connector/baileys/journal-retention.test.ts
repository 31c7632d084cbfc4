import { expect, test, vi } from "vitest";
import { createJournalRetention } from "#connector/baileys/journal-retention.ts";

function open() {
  const dropped: string[] = [];
  const underWay = createJournalRetention((rows) => dropped.push(...rows));
  underWay.connecting();
  return { underWay, dropped };
}

test("all rows of a message go together, once it is published and confirmed", () => {
  const { underWay, dropped } = open();
  underWay.stored("M1", "a");
  underWay.stored("M1", "b");
  underWay.stored("M2", "c");
  underWay.published("M1");
  underWay.confirmed("M2");
  expect(dropped).toEqual([]);
  underWay.confirmed("M1");
  expect(dropped).toEqual(["a", "b"]);
});

test("catching up settles what the former connection left, but not what came again", () => {
  const { underWay, dropped } = open();
  underWay.stored("M1", "a");
  underWay.stored("M2", "b");
  underWay.stored("M3", "c");
  underWay.published("M1");
  underWay.published("M2");
  underWay.connecting();
  underWay.arrived("M2");
  underWay.caughtUp();
  expect(dropped).toEqual(["a"]);
  expect(underWay.publishedRows()).toEqual(new Set(["b"]));
  underWay.published("M3");
  expect(dropped).toEqual(["a", "c"]);
});

test("a message that comes again is to be confirmed again", () => {
  const { underWay, dropped } = open();
  underWay.stored("M1", "a");
  underWay.confirmed("M1");
  underWay.arrived("M1");
  underWay.published("M1");
  expect(dropped).toEqual([]);
});

test("a server that acknowledges no receipt keeps no row of a published message for ever", () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  try {
    const { underWay, dropped } = open();
    underWay.stored("M1", "a");
    underWay.published("M1");
    vi.advanceTimersByTime(61_000);
    underWay.stored("M2", "b");
    expect(dropped).toEqual(["a"]);
  } finally {
    vi.useRealTimers();
  }
});

test("beyond 10,000 messages the oldest is forgotten; its row stays unless it is published", () => {
  const { underWay, dropped } = open();
  for (let n = 0; n < 10_002; n++) {
    underWay.stored(`M${n}`, `row ${n}`);
    if (n === 1) underWay.published("M1");
  }
  expect(dropped).toEqual(["row 1"]);
});
