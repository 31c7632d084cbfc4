import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const repository = fileURLToPath(new URL("../..", import.meta.url));

/** Code that makes a test an integration test, however many imports away. */
const outside = {
  MongoDB: /\binject\("mongoUri"\)/,
  "a simulated WhatsApp": /\bfunction startSandbox\(/,
  "another program": /\bfrom "(node:child_process|nano-spawn|playwright-core)"/,
};

/** The test files by project, as paths within the repository. */
export interface TestFiles {
  /** Reach neither MongoDB nor a simulated WhatsApp nor another program. */
  unit: string[];
  integration: string[];
}

/** Sorts the test files into projects by their direct and indirect imports. */
export function testFiles(): TestFiles {
  const files: TestFiles = { unit: [], integration: [] };
  for (const file of globSync("test/**/*.test.ts", { cwd: repository })) {
    const path = file.replaceAll("\\", "/");
    files[projectOf(path)].push(path);
  }
  return files;
}

function projectOf(path: string): keyof TestFiles {
  const reached = [...reachedFrom(path)];
  const isOutside = Object.values(outside).some((code) => reached.some((file) => code.test(sourceOf(file))));
  return isOutside ? "integration" : "unit";
}

/** The file and all its direct and indirect imports within the repository, without type imports. */
function reachedFrom(path: string, found = new Set<string>()): Set<string> {
  if (found.has(path)) return found;
  found.add(path);
  for (const imported of importsOf(path)) reachedFrom(imported, found);
  return found;
}

const imports = new Map<string, string[]>();
const sources = new Map<string, string>();

function importsOf(path: string): string[] {
  const known = imports.get(path);
  if (known) return known;
  const found = [...sourceOf(path).matchAll(/\b(?:from|import)\s*\(?\s*"([.#][^"]+\.tsx?)"/g)].map(
    ([, specifier = ""]) =>
      specifier.startsWith("#") ? specifier.slice(1) : join(dirname(path), specifier).replaceAll("\\", "/"),
  );
  imports.set(path, found);
  return found;
}

/** The file's text without its type imports. */
function sourceOf(path: string): string {
  const known = sources.get(path);
  if (known !== undefined) return known;
  const source = readFileSync(join(repository, path), "utf8").replace(/^(?:import|export) type [^;]*;/gm, "");
  sources.set(path, source);
  return source;
}
