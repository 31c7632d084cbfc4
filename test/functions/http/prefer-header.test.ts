import { expect, test } from "vitest";
import { waitPreference } from "#functions/http/prefer-header.ts";

test.each([
  ["wait=0", 0, "wait=0"],
  ["wait=5", 5_000, "wait=5"],
  ["WAIT = 5", 5_000, "wait=5"],
  ['wait="5"; x=y', 5_000, "wait=5"],
  ["wait=31", 30_000, "wait=30"],
  ["wait=99999999999999", 30_000, "wait=30"],
  [`wait=${"9".repeat(400)}`, 30_000, "wait=30"],
  ["respond-async", 0, "respond-async"],
  ["return=minimal, Respond-Async", 0, "respond-async"],
  ["respond-async, wait=10", 10_000, "wait=10"],
  ["wait=5, wait=20", 5_000, "wait=5"],
])("Prefer %s waits %i ms and is applied as %s", (header, waitMs, applied) => {
  expect(waitPreference(header)).toEqual({ waitMs, applied });
});

test.each([undefined, "", "return=minimal", "wait", "wait=", "wait=-1", "wait=1.5", "wait=soon", "nowait=5"])(
  "Prefer %s has no preference about waiting",
  (header) => {
    expect(waitPreference(header)).toBeNull();
  },
);
