import { globSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { testFiles } from "./projects.ts";

const { unit, integration } = testFiles();

test("every test file is in exactly one project", () => {
  expect(new Set([...unit, ...integration]).size).toBe(unit.length + integration.length);
  expect(unit).toContain("test/support/projects.test.ts");
});

test.each([
  ["MongoDB", "test/support/test-database.test.ts"],
  ["MongoDB through a fixture", "test/connector/ownership/membership.test.ts"],
  ["a simulated WhatsApp", "test/infra/sandbox/sandbox.test.ts"],
  ["another program", "test/shared/run-main.test.ts"],
  ["another program through the product", "test/infra/mongo/run-program.test.ts"],
])("a file that reaches %s is in the integration project", (_, file) => {
  expect(integration).toContain(file);
});

test("a file that reaches none of these is in the unit project", () => {
  expect(unit).toContain("test/connector/machine/machine.test.ts");
});

test("a test that fakes timers names which: files share a process, and drivers of others run in it", () => {
  const bare = /\buseFakeTimers\((?!\{[^}]*\btoFake: )/;
  expect("vi.useFakeTimers()").toMatch(bare);
  expect("vi.useFakeTimers({ now })").toMatch(bare);
  const root = new URL("../../", import.meta.url);
  const found = globSync("test/**/*.ts", { cwd: root })
    .filter((file) => !file.endsWith("support/projects.test.ts"))
    .filter((file) => bare.test(readFileSync(new URL(file, root), "utf8")));
  expect(found, "pass `toFake`: a bare call stops MongoDB's timers too").toEqual([]);
});
