import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../../..", import.meta.url));

test("no module imports a value of `undici` by its bare name: Bun's own has no guard against private addresses", () => {
  const sources = globSync("{connector,functions,shared}/**/*.ts", { cwd: root });
  const bare = /^import (?!type )[^;]*?"undici"|import\("undici"\)/m;
  expect(sources.length).toBeGreaterThan(200);
  expect(sources.filter((file) => bare.test(readFileSync(`${root}/${file}`, "utf8")))).toEqual([]);
});
