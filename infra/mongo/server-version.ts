import { childEnvironment } from "#shared/child-environment.ts";
import { runProgram } from "./run-program.ts";

/** A mongod that runs, and the version it reports (`6.0.5`). */
export type Mongod = { readonly path: string; readonly version: string };

const versionDeadlineMs = 15_000;

/**
 * Runs `mongod --version`, which also proves that this machine can run it (libraries, CPU).
 * @throws Error with the program's own message
 */
export async function inspectMongod(
  path: string,
  { env, signal }: { env: NodeJS.ProcessEnv; signal: AbortSignal },
): Promise<Mongod> {
  const output = await runProgram(path, ["--version"], {
    env: childEnvironment(env, "program"),
    signal,
    deadlineMs: versionDeadlineMs,
  });
  const version = /^db version v(\d+\.\d+\.\d+)/m.exec(output)?.[1];
  if (version === undefined) throw new Error("it does not report a mongod version");
  return { path, version };
}

/**
 * Whether a server of this version can open the data. MongoDB needs a migration between major versions, and an older
 * minor version must not open data of a newer one. A folder without data fits every server.
 */
export function fitsData(version: string, dataVersion: string | undefined): boolean {
  if (dataVersion === undefined) return true;
  const [major, minor] = numbers(version);
  const [dataMajor, dataMinor] = numbers(dataVersion);
  return major === dataMajor && minor >= dataMinor;
}

/** Orders versions, newest first. */
export function newestFirst(a: string, b: string): number {
  const [left, right] = [numbers(a), numbers(b)];
  return right[0] - left[0] || right[1] - left[1] || right[2] - left[2];
}

function numbers(version: string): [number, number, number] {
  const [major = 0, minor = 0, patch = 0] = version.split(".").map(Number);
  return [major, minor, patch];
}
