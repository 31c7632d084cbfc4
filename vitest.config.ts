import { defineConfig } from "vitest/config";
import { gateReporter } from "#test/support/gate-reporter.ts";

/** Two workers for two cores; each test file has a process of its own, all share one MongoDB. */
export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/support/mongo-for-all-tests.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    reporters: ["default", gateReporter()],
  },
});
