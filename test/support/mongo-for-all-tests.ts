import { mkdtemp, rm, statfs } from "node:fs/promises";
import { freemem, tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { startEmbeddedMongo } from "#infra/mongo/embedded-mongo.ts";
import { terminalProgress } from "#infra/mongo/progress.ts";

declare module "vitest" {
  export interface ProvidedContext {
    mongoUri: string;
  }
}

/** Twice what a whole run writes. */
const dataBytes = 2 * 1024 ** 3;

/** Starts the MongoDB that all tests share, on a data folder that is removed after the run. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dataDir = await mkdtemp(join(await dataParent(), "waypost-test-"));
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

/**
 * Linux's in-memory folder, if it has room: syncing to disk costs nothing there, and building an index takes a third of
 * the time. No test of the shared MongoDB needs its data to survive a power cut.
 */
async function dataParent(): Promise<string> {
  const memory = "/dev/shm";
  const room = await statfs(memory).then(
    ({ bavail, bsize }) => bavail * bsize,
    () => 0,
  );
  return Math.min(room, freemem()) > dataBytes ? memory : tmpdir();
}
