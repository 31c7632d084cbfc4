import { expect, test } from "vitest";
import { createDatabaseClock } from "#connector/ownership/database-clock.ts";

const hourMs = 3_600_000;
const isNear = (a: number, b: number) => Math.abs(a - b) < 5_000;

test("the clock is the machine's until the database has answered, and then the database's, whatever the machine's says", () => {
  const clock = createDatabaseClock();
  expect(isNear(clock.now(), Date.now())).toBe(true);
  const databaseNow = Date.now() + hourMs;
  clock.adjust(new Date(databaseNow), performance.now());
  expect(isNear(clock.now(), databaseNow)).toBe(true);
});

test("an answer that took long does not move a clock that an earlier one has set", () => {
  const clock = createDatabaseClock();
  const databaseNow = Date.now() + hourMs;
  clock.adjust(new Date(databaseNow), performance.now());
  clock.adjust(new Date(databaseNow + hourMs), performance.now() - 2_000);
  expect(isNear(clock.now(), databaseNow)).toBe(true);
});
