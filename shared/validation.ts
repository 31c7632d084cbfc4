import type { z } from "zod";
import { type ErrorCode, type FieldProblem, ServiceError } from "./errors.ts";

/** Parses or throws a `ServiceError` whose details name every field that is wrong. */
export function parseWith<T extends z.ZodType>(
  schema: T,
  value: unknown,
  code: ErrorCode = "invalid_request",
): z.output<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new ServiceError(code, undefined, { details: fieldProblems(parsed.error) });
}

/** Every mistake zod found, each with a dotted path (`""` is the whole body). */
export function fieldProblems(error: z.ZodError): FieldProblem[] {
  return error.issues.flatMap((issue) =>
    issue.code === "unrecognized_keys"
      ? issue.keys.map((key) => ({ field: [...issue.path, key].join("."), message: "unknown field" }))
      : [{ field: issue.path.join("."), message: issue.message }],
  );
}
