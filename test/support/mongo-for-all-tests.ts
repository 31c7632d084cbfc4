import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { startEmbeddedMongo } from "#infra/mongo/embedded-mongo.ts";
import { terminalProgress } from "#infra/mongo/progress.ts";

declare module "vitest" {
  export interface ProvidedContext {
    mongoUri: string;
  }
}

/** Starts the one MongoDB that a test run shares, on a data folder that goes with it. Vitest calls this once per run. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dataDir = await mkdtemp(join(tmpdir(), "waypost-test-"));
  const mongo = await startEmbeddedMongo({
    dataDir,
    env: process.env,
    progress: terminalProgress(process.stdout),
    signal: AbortSignal.timeout(15 * 60_000),
  });
  project.provide("mongoUri", mongo.uri);
  return async () => {
    await mongo[Symbol.asyncDispose]();
    await rm(dataDir, { recursive: true, force: true });
  };
}
