import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { Reporter, SerializedError, TestCase, TestModule, Vitest } from "vitest/node";

/** The counts of a run. `skipped` names each skipped test and its reason; one without a reason also counts as failed. */
type GateResult = { passed: number; failed: number; skipped: { test: string; reason: string }[] };

const resultsPath = "test/.artifacts/results.json";
const slowestFiles = 10;

/**
 * Counts the tests of all projects: prints the slowest files, each skipped test with its reason and finally
 * `N passed, N failed`, and writes the counts to `test/.artifacts/results.json`. A test skipped without a reason fails
 * the run, unless tests were picked by name.
 */
export function gateReporter(): Reporter {
  let isPicked = false;
  return {
    onInit: (vitest: Vitest) => {
      isPicked = vitest.config.testNamePattern !== undefined;
    },
    async onTestRunEnd(modules, unhandledErrors) {
      const result = countRun(modules, unhandledErrors, isPicked);
      const skipped = result.skipped.map(({ test, reason }) => `skipped: ${test}: ${reason}`);
      const counts = `${result.passed} passed, ${result.failed} failed`;
      process.stdout.write([...slowest(modules), ...skipped, counts, ""].join("\n"));
      if (result.failed > 0) process.exitCode = 1;
      await mkdir(dirname(resultsPath), { recursive: true });
      await writeFile(resultsPath, `${JSON.stringify(result)}\n`);
    },
  };
}

/** Lines that name the slowest files; none for a run of few files. */
function slowest(modules: readonly TestModule[]): string[] {
  if (modules.length <= slowestFiles) return [];
  const times = modules.map((module) => {
    const { duration, collectDuration } = module.diagnostic();
    return { file: module.relativeModuleId, ms: duration + collectDuration };
  });
  const first = times.toSorted((a, b) => b.ms - a.ms).slice(0, slowestFiles);
  return [
    "Slowest files:",
    ...first.map(({ file, ms }) => `${(ms / 1_000).toFixed(1).padStart(7)} s  ${file}`),
    "",
  ];
}

/** An error outside the tests of a file or group, or outside any file, counts as one failure each. */
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
