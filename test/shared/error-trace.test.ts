import { expect, test } from "vitest";
import { errorTrace } from "#shared/error-trace.ts";

test("a trace has the error's name and its first stack lines", () => {
  const { error, where } = errorTrace(new RangeError("too far"));
  expect(error).toBe("RangeError");
  expect(where[0]).toMatch(/^at .*error-trace\.test\.ts:\d+:\d+\)?$/);
  expect(where.length).toBeLessThanOrEqual(5);
});

test("a trace has nothing of the message, even if that looks like a stack", () => {
  const trace = errorTrace(new Error("a secret\n    at the door\n    at the wall"));
  expect(JSON.stringify(trace)).not.toMatch(/secret|door|wall/);
});

test.each([
  ["a secret", "string"],
  [undefined, "undefined"],
  [{ name: "a secret" }, "object"],
])("the trace of a value that is not an error has its type only: %o", (thrown, type) => {
  expect(errorTrace(thrown)).toEqual({ error: type, where: [] });
});
