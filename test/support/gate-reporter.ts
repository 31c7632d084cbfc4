import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { Reporter, SerializedError, TestCase, TestModule, Vitest } from "vitest/node";

/** What a run came to. `skipped` names each test that was left out and why; without a reason it counts as failed. */
type GateResult = { passed: number; failed: number; skipped: { test: string; reason: string }[] };

const resultsPath = "test/.artifacts/results.json";

/**
 * Counts a run for the gate: prints `N passed, N failed` and each skipped test with its reason, and writes the same to
 * `test/.artifacts/results.json`. A test skipped without a reason fails the run, except when tests were picked by name.
 */
export function gateReporter(): Reporter {
  let isPicked = false;
  return {
    onInit: (vitest: Vitest) => {
      isPicked = vitest.config.testNamePattern !== undefined;
    },
    async onTestRunEnd(modules, unhandledErrors) {
      const result = countRun(modules, unhandledErrors, isPicked);
      const lines = result.skipped.map(({ test, reason }) => `skipped: ${test}: ${reason}`);
      process.stdout.write([...lines, `${result.passed} passed, ${result.failed} failed`, ""].join("\n"));
      if (result.failed > 0) process.exitCode = 1;
      await mkdir(dirname(resultsPath), { recursive: true });
      await writeFile(resultsPath, `${JSON.stringify(result)}\n`);
    },
  };
}

/** A file or group that breaks outside its tests, and an error outside any file, count as one failure each. */
function countRun(
  modules: readonly TestModule[],
  unhandled: readonly SerializedError[],
  isPicked: boolean,
): GateResult {
  const result: GateResult = { passed: 0, failed: unhandled.length, skipped: [] };
  for (const module of modules) {
    const groups = [module, ...module.children.allSuites()];
    result.failed += groups.filter((group) => group.errors().length > 0).length;
    for (const test of module.children.allTests()) countTest(test, result, isPicked);
  }
  return result;
}

function countTest(test: TestCase, result: GateResult, isPicked: boolean): void {
  const outcome = test.result();
  if (outcome.state === "passed") result.passed += 1;
  else if (outcome.state !== "skipped") result.failed += 1;
  else if (!isPicked) {
    result.skipped.push({
      test: test.fullName,
      reason: outcome.note ?? "no reason given, so it counts as failed",
    });
    if (!outcome.note) result.failed += 1;
  }
}
