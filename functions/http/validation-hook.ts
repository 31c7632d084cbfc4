import type { z } from "@hono/zod-openapi";
import { ServiceError } from "#shared/errors.ts";
import { fieldProblems } from "#shared/validation.ts";

/** Throws `invalid_request` for input that fails a route's schemas; the details name every field. */
export function invalidRequest(
  validated: { success: true } | { success: false; error: z.ZodError },
): undefined {
  if (!validated.success)
    throw new ServiceError("invalid_request", undefined, { details: fieldProblems(validated.error) });
}
