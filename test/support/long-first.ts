import { readFileSync } from "node:fs";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/**
 * Starts long files first, so that no worker runs one alone at the end. A clean clone has no times of an earlier run, so
 * the order follows the timeouts that a file sets for its long tests, then the file's length.
 */
export class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const weights = new Map(files.map((file) => [file, weightOf(file)]));
    return files.toSorted((a, b) => (weights.get(b) ?? 0) - (weights.get(a) ?? 0));
  }
}

function weightOf({ moduleId, project }: TestSpecification): number {
  const source = readFileSync(moduleId, "utf8");
  const timeouts = source.matchAll(/(?:timeout: |testTimeout: |\}, )(\d+_000)\b/g);
  const longMs = [...timeouts].reduce((sum, [, ms = "0"]) => sum + Number(ms.replaceAll("_", "")), 0);
  // Workers are reused only within a project: the quick files of the unit project fill the gaps at the end.
  return (longMs + source.length) / (project.name === "unit" ? 1_000_000 : 1);
}
