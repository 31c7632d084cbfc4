import { globSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";

const root = new URL("../", import.meta.url);
const call = /\blog(?:ger)?(?:\.(?:fatal|error|warn|info|debug|trace)|\[\w+(?: [^\]]*)?\])\(/g;

/** Matches code that puts an error, or the text of one, into a log line. Its trace and its code are fine. */
const whole = [
  /\berr\b/,
  /(?:[{,]|\.\.\.)\s*(?:error|cause|thrown)\s*[,})]/,
  /:\s*(?:error|cause|thrown)\s*[,})]/,
  /\b(?:error|cause|thrown)\.(?:message|stack)\b/,
  /\bString\((?:error|cause|thrown)\)/,
];

/** The arguments of loggers, and the lines that are composed before, that hold more of an error than its trace. */
function offences(source: string): string[] {
  const calls = [...source.matchAll(call)].map(({ index, 0: start }) =>
    upToClosing(source, index + start.length, "()"),
  );
  const lines = [...source.matchAll(/\{\s*event: /g)].map(({ index }) =>
    upToClosing(source, index + 1, "{}"),
  );
  const written = [...calls, ...lines].map((text) => text.replace(/errorTrace\(\w+(?:\.\w+)?\)/g, "trace"));
  return written.filter((text) => whole.some((pattern) => pattern.test(text)));
}

/** The text up to what closes what was opened before `from`. */
function upToClosing(source: string, from: number, [open, close]: string): string {
  let depth = 1;
  let at = from;
  for (; at < source.length && depth > 0; at += 1) {
    if (source[at] === open) depth += 1;
    else if (source[at] === close) depth -= 1;
  }
  return source.slice(from, at);
}

test.each([
  "log.warn({ event: 'x', err: error }, 'x')",
  "log.warn({ err }, 'x')",
  "deps.log.debug({ event: 'x', error }, 'x')",
  "this.#log.error(\n  { event: 'x', cause: error },\n  'x',\n)",
  "log.warn({ event: 'x', ...error }, 'x')",
  "const line = { event: 'x', err: error }; log.warn(line, 'x')",
  "log.info({ event: 'x' }, error.message)",
  "log.info({ event: 'x', text: String(error) }, 'x')",
  "log[level]({ event: 'x', err: error }, 'x')",
])("the check finds %s", (source) => {
  expect(offences(source)).not.toEqual([]);
});

test("the check finds nothing in the trace of an error, or in its code", () => {
  const good =
    "log.warn({ event: 'x', ...errorTrace(error), code: error.code, reason: 'x' }, 'an error (of ours)')";
  expect(offences(good)).toEqual([]);
});

test("no log line is given an error, or the text of one", async () => {
  const files = globSync("{connector,functions,shared,infra}/**/*.ts", {
    cwd: root,
    exclude: ["**/node_modules/**"],
  });
  expect(files.length).toBeGreaterThan(200);
  const found: string[] = [];
  for (const file of files) {
    const source = await readFile(new URL(file, root), "utf8");
    found.push(...offences(source).map((written) => `${file}: ${written}`));
  }
  expect(found).toEqual([]);
});
