import { expect, test } from "vitest";
import { connectBackoff } from "#connector/timings.ts";
import { backoffMs } from "#shared/backoff.ts";

test("pauses between connection attempts grow from one second to five minutes", () => {
  const almostOne = 1 - Number.EPSILON;
  expect([0, 1, 2, 8, 9, 50].map((attempt) => backoffMs(connectBackoff, attempt, almostOne))).toEqual([
    1_000, 2_000, 4_000, 256_000, 300_000, 300_000,
  ]);
});
