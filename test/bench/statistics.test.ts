import { expect, test } from "vitest";
import { cpuOf } from "./process-usage.ts";
import { outOfOrder } from "./receiving.ts";
import { median, quantile, shortNumber } from "./statistics.ts";

test("a quantile is a value that was measured", () => {
  const values = Array.from({ length: 200 }, (_, index) => 200 - index);
  expect(quantile(values, 0.5)).toBe(100);
  expect(quantile(values, 0.99)).toBe(198);
  expect(quantile([7], 0.99)).toBe(7);
  expect(quantile([], 0.5)).toBeNaN();
});

test("a median is the middle value, or the mean of both in the middle", () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([1, 9, 5, 2])).toBe(3.5);
  expect(median([])).toBeNaN();
});

test("a number is shown with three significant digits", () => {
  expect([1_423.4, 246.6, 18.72, 2.049, 0.0912, 0.5, 0, 40, Number.NaN].map(shortNumber)).toEqual([
    ...["1423", "247", "18.7", "2.05", "0.091", "0.5", "0", "40", "–"],
  ]);
});

test("the CPU time of a process whose name has spaces and parentheses is read", () => {
  expect(cpuOf(`17 (a (b) c) S ${"0 ".repeat(10)}120 34 0 0`)).toBe(1_540);
});

test("a text that comes after a later one of its contact is out of order", () => {
  expect(outOfOrder(["a 0", "b 0", "a 2", "a 1", "b 1", "a 3"])).toBe(1);
});
