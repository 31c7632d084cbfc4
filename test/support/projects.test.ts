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
