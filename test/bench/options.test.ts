import { expect, test } from "vitest";
import { scenarioNames } from "./metrics.ts";
import { BenchUsageError, readOptions } from "./options.ts";

test("without flags, every scenario runs three times on Node, in one process", () => {
  expect(readOptions([])).toEqual({
    ...{ scenarios: [...scenarioNames], rounds: 3, channels: 100, runtime: "node" },
    ...{ isSplit: false, withFloor: false, isAlone: false, json: "bench.json" },
  });
});

test("scenarios may be named apart or in one flag", () => {
  expect(readOptions(["--scenario", "send,idle", "--scenario", "pair"]).scenarios).toEqual([
    ...["send", "idle", "pair"],
  ]);
});

test.each([
  ["--scenario", "sending"],
  ["--rounds", "0"],
  ["--channels", "many"],
  ["--runtime", "deno"],
  ["--scenarios", "send"],
])("%s %s is refused", (...args) => {
  expect(() => readOptions(args)).toThrow(BenchUsageError);
});
