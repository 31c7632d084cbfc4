import { runProgram } from "./program.ts";

/** A mongod that can be run, and the version it says it is (`6.0.5`). */
export type Mongod = { readonly path: string; readonly version: string };

const versionDeadlineMs = 15_000;

/**
 * Runs `mongod --version`, which also proves that this machine can run it (libraries, CPU).
 * @throws Error with what the program said
 */
export async function inspectMongod(path: string, signal: AbortSignal): Promise<Mongod> {
  const output = await runProgram(path, ["--version"], { signal, deadlineMs: versionDeadlineMs });
  const version = /^db version v(\d+\.\d+\.\d+)/m.exec(output)?.[1];
  if (version === undefined) throw new Error("it does not say which version of mongod it is");
  return { path, version };
}

/**
 * Whether a server of this version may open data that another version wrote. Between major versions MongoDB needs a
 * migration, and data is never opened by an older minor version; no data fits every server.
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
