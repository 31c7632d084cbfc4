import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { errorCatalog } from "#shared/errors.ts";

test("docs/errors.md has one heading per error code, with its status", async () => {
  const text = await readFile(new URL("../../docs/errors.md", import.meta.url), "utf8");
  const documented = [...text.matchAll(/^## `([a-z_]+)`\n\n(\d{3})/gm)].map(([, code, status]) => [
    code,
    Number(status),
  ]);
  const catalogued = Object.entries(errorCatalog).map(([code, { status }]) => [code, status]);
  expect(documented.sort()).toEqual(catalogued.sort());
});
