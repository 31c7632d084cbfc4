import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import archived from "@sparticuz/chromium";

/** A Chromium that can be started, and the environment it needs. */
export interface Chromium {
  executablePath: string;
  env: Record<string, string>;
}

const cache = fileURLToPath(new URL("../../node_modules/.cache/waypost", import.meta.url));

/**
 * The browser of the npm package, unpacked once into `node_modules/.cache`; `CHROMIUM_PATH` names another one. It brings
 * the few libraries along that a bare machine lacks, and fonts where there are none at all.
 */
export async function findChromium(): Promise<Chromium> {
  const own = process.env.CHROMIUM_PATH;
  if (own) return { executablePath: own, env: environment() };
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

/** Whole or not at all: several test runs may be at it, and any of them may be killed. */
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

/** The package unpacks to the temporary folder, and its libraries only where it believes to be on Lambda. */
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
