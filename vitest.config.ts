import { defineConfig, type TestProjectInlineConfiguration } from "vitest/config";
import { gateReporter } from "#test/support/gate-reporter.ts";
import { LongFirst } from "#test/support/long-first.ts";
import { testFiles } from "#test/support/projects.ts";

const { unit, integration } = testFiles();

/** Four workers keep two cores busy: most tests spend most of their time waiting. */
const maxWorkers = 4;

/**
 * `testFiles` sorts test files into two projects by their imports: `unit` reaches nothing outside its process; the files
 * of `integration` share one MongoDB. Files also share the processes of their project: loading Baileys and the MongoDB
 * driver for each file would cost a quarter of a run's CPU time.
 */
const projects: TestProjectInlineConfiguration[] = [
  {
    extends: true,
    test: {
      name: "unit",
      include: unit,
      pool: "threads",
      isolate: false,
      setupFiles: ["test/support/global-leaks.ts"],
    },
  },
  {
    extends: true,
    test: {
      name: "integration",
      include: integration,
      // No guard against leaks: libraries that these files load set variables and exit listeners for good, once.
      isolate: false,
      globalSetup: ["test/support/mongo-for-all-tests.ts"],
    },
  },
];

export default defineConfig({
  test: {
    projects,
    pool: "forks",
    maxWorkers,
    sequence: { sequencer: LongFirst },
    testTimeout: 120_000,
    hookTimeout: 120_000,
    reporters: ["default", gateReporter()],
  },
});
