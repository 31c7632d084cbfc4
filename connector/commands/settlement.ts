import type { Document } from "mongodb";
import type { PublicError } from "#shared/errors.ts";

/** How a command ended. */
export type Settlement =
  | { state: "succeeded" | "unknown"; result: Record<string, unknown> }
  | { state: "failed" | "dead" | "expired"; error: PublicError };

/** The fields that a settlement sets, for an update with an aggregation pipeline. */
export function settlementFields(settlement: Settlement): Document {
  const outcome =
    "result" in settlement
      ? { result: { $literal: settlement.result } }
      : { error: { $literal: settlement.error } };
  return { state: settlement.state, doneAt: "$$NOW", ...outcome };
}
