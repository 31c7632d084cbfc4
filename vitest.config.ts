import { defineConfig, type TestProjectInlineConfiguration } from "vitest/config";
import { gateReporter } from "#test/support/gate-reporter.ts";
import { LongFirst } from "#test/support/long-first.ts";
import { testFiles } from "#test/support/projects.ts";

const { unit, integration } = testFiles();

/** Most tests wait for something most of the time: more workers than the two cores that they need. */
const maxWorkers = 4;

/**
 * Two projects, by what a file imports (see `testFiles`), so that nobody keeps a list: `unit` reaches nothing outside its
 * process and needs no MongoDB; the files of `integration` share one. Files share the processes of their project too:
 * loading Baileys and the MongoDB driver for each file would cost a quarter of a run's CPU time.
 */
const projects: TestProjectInlineConfiguration[] = [
  {
    extends: true,
    test: {
      name: "unit",
      include: unit,
      pool: "threads",
      isolate: false,
      setupFiles: ["test/support/leaves-no-trace.ts"],
    },
  },
  {
    extends: true,
    test: {
      name: "integration",
      include: integration,
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
    testTimeout: 30_000,
    hookTimeout: 60_000,
    reporters: ["default", gateReporter()],
  },
});
