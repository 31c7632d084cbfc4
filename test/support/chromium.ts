import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import archived from "@sparticuz/chromium";

/** An installed Chromium and the environment that it needs. */
export interface Chromium {
  executablePath: string;
  env: Record<string, string>;
}

const cache = fileURLToPath(new URL("../../node_modules/.cache/waypost", import.meta.url));

/**
 * Finds the Chromium that `CHROMIUM_PATH` names, or else unpacks the one of the npm package into `node_modules/.cache`,
 * once. The package includes the few libraries that a bare machine lacks, and fonts for a machine without any.
 */
export async function findChromium(): Promise<Chromium> {
  const installed = process.env.CHROMIUM_PATH;
  if (installed) return { executablePath: installed, env: environment() };
  const folder = join(cache, `chromium-${version()}`);
  if (!existsSync(folder)) await unpackTo(folder);
  return {
    executablePath: join(folder, "chromium"),
    env: environment({
      LD_LIBRARY_PATH: join(folder, "al2023/lib"),
      ...(existsSync("/etc/fonts") ? {} : { FONTCONFIG_PATH: join(folder, "fonts") }),
    }),
  };
}

/** Unpacks atomically: several test runs may do so at once, and any of them may be killed. */
async function unpackTo(folder: string): Promise<void> {
  await mkdir(cache, { recursive: true });
  const fresh = await mkdtemp(join(cache, "unpacking-"));
  try {
    await unpackInto(fresh);
    await rename(fresh, folder);
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
}

/** The package unpacks into the temporary folder, and its libraries only if it believes it runs on AWS Lambda. */
async function unpackInto(folder: string): Promise<void> {
  const { TMPDIR, AWS_EXECUTION_ENV } = process.env;
  process.env.TMPDIR = folder;
  process.env.AWS_EXECUTION_ENV = "AWS_Lambda_nodejs24.x";
  try {
    await archived.executablePath();
  } finally {
    restore("TMPDIR", TMPDIR);
    restore("AWS_EXECUTION_ENV", AWS_EXECUTION_ENV);
  }
}

function restore(name: string, value: string | undefined): void {
  if (value === undefined) delete process.env[name];
  else process.env[name] = value;
}

function environment(more: Record<string, string> = {}): Record<string, string> {
  const given = Object.entries(process.env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return { ...Object.fromEntries(given), ...more };
}

function version(): string {
  const lock = createRequire(import.meta.url)("../../package.json") as {
    devDependencies: Record<string, string>;
  };
  return lock.devDependencies["@sparticuz/chromium"] ?? "unknown";
}
