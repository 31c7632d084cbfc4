import { expect, test } from "vitest";
import { RequestBudget } from "../../../connector/gateway/request-budget.ts";

test("so many at once, then so many a second, never more than at once", () => {
  const budget = new RequestBudget(2, 3, 0);
  const takes = [0, 0, 0, 0, 499, 500, 500, 999, 1_000].map((nowMs) => budget.take(nowMs));
  expect(takes).toEqual([true, true, true, false, false, true, false, false, true]);
  expect([1, 2, 3, 4].map(() => budget.take(60_000))).toEqual([true, true, true, false]);
});
