/** Validates input with zod and lists its problems by field. */

import type { z } from "zod";
import { type ErrorCode, type FieldProblem, ServiceError } from "./errors.ts";

/** Returns the parsed value. Throws a `ServiceError` whose details list every problem. */
export function parseWith<T extends z.ZodType>(
  schema: T,
  value: unknown,
  code: ErrorCode = "invalid_request",
): z.output<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new ServiceError(code, undefined, { details: fieldProblems(parsed.error) });
}

/** Callers decide how many problems a request has and how long its field names are, so the error needs bounds. */
const problemsMax = 100;
const fieldCharactersMax = 200;

/** The problems zod found, at most 100, each with a dotted path (`""` is the whole body). */
export function fieldProblems(error: z.ZodError): FieldProblem[] {
  return error.issues.flatMap(problemsOf).slice(0, problemsMax);
}

function problemsOf(issue: z.core.$ZodIssue): FieldProblem[] {
  if (issue.code !== "unrecognized_keys") return [problem(issue.path, issue.message)];
  return issue.keys.map((key) => problem([...issue.path, key], "unknown field"));
}

function problem(path: readonly PropertyKey[], message: string): FieldProblem {
  return { field: path.map(String).join(".").slice(0, fieldCharactersMax), message };
}
