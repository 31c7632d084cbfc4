import type { TestProject } from "vitest/node";
import { startEmbeddedMongo } from "#infra/mongo/embedded-mongo.ts";
import { terminalProgress } from "#infra/mongo/progress.ts";
import { databaseFolder } from "./temporary-folder.ts";

declare module "vitest" {
  export interface ProvidedContext {
    mongoUri: string;
  }
}

/** Starts the MongoDB that all tests share, on a data folder that is removed after the run. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await databaseFolder();
  const mongo = await startEmbeddedMongo({
    dataDir: folder.path,
    env: process.env,
    progress: terminalProgress(process.stdout),
    signal: AbortSignal.timeout(15 * 60_000),
  });
  project.provide("mongoUri", mongo.uri);
  return async () => {
    await mongo[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  };
}
