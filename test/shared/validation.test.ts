import { expect, test } from "vitest";
import { z } from "zod";
import { ServiceError } from "#shared/errors.ts";
import { fieldProblems, parseWith } from "#shared/validation.ts";

const schema = z.strictObject({
  name: z.string().min(2, "too short"),
  list: z.array(z.strictObject({ n: z.number("not a number") })).optional(),
});

function problemsOf(value: unknown) {
  const { error } = schema.safeParse(value);
  return error ? fieldProblems(error) : [];
}

test("every problem has a dotted path, through lists too", () => {
  expect(problemsOf({ name: "x", list: [{ n: 1 }, { n: "2", more: 1 }] })).toEqual([
    { field: "name", message: "too short" },
    { field: "list.1.n", message: "not a number" },
    { field: "list.1.more", message: "unknown field" },
  ]);
});

test("a problem of the whole body has an empty path", () => {
  expect(problemsOf("text").map(({ field }) => field)).toEqual([""]);
});

test("each unknown field is a problem of its own", () => {
  expect(problemsOf({ name: "xx", a: 1, b: 2 })).toEqual([
    { field: "a", message: "unknown field" },
    { field: "b", message: "unknown field" },
  ]);
});

test("the list of problems and the field names in it are bounded", () => {
  const many = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`field${index}`, index]));
  expect(problemsOf({ name: "xx", ...many })).toHaveLength(100);
  expect(problemsOf({ name: "xx", list: Array(10_000).fill({}) })).toHaveLength(100);
  expect(problemsOf({ name: "xx", ["k".repeat(100_000)]: 1 })).toEqual([
    { field: "k".repeat(200), message: "unknown field" },
  ]);
});

test("parsing returns the schema's output", () => {
  expect(parseWith(z.string().trim(), " x ")).toBe("x");
});

test("parsing throws a `ServiceError` with every problem and the given code", () => {
  const thrown = (code?: "invalid_command") => {
    try {
      return parseWith(schema, {}, code);
    } catch (error) {
      return error;
    }
  };
  expect(thrown()).toBeInstanceOf(ServiceError);
  expect(thrown()).toMatchObject({ code: "invalid_request", details: [{ field: "name" }] });
  expect(thrown("invalid_command")).toMatchObject({ code: "invalid_command", details: [{ field: "name" }] });
});
