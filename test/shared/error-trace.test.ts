import { expect, test } from "vitest";
import { errorTrace } from "#shared/error-trace.ts";

test("an error is told by its name and the lines where it came about", () => {
  const { error, where } = errorTrace(new RangeError("too far"));
  expect(error).toBe("RangeError");
  expect(where[0]).toMatch(/^at .*error-trace\.test\.ts:\d+:\d+\)?$/);
  expect(where.length).toBeLessThanOrEqual(5);
});

test("nothing of the message is told, also when it has lines that look like a stack", () => {
  const trace = errorTrace(new Error("a secret\n    at the door\n    at the wall"));
  expect(JSON.stringify(trace)).not.toMatch(/secret|door|wall/);
});

test.each([
  ["a secret", "string"],
  [undefined, "undefined"],
  [{ name: "a secret" }, "object"],
])("what is no error is told by its type: %o", (thrown, type) => {
  expect(errorTrace(thrown)).toEqual({ error: type, where: [] });
});
