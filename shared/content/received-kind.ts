import type { z } from "zod";

/** A kind of content as events have it: its shape, whose `type` names it, and an example for the documentation. */
export interface ReceivedKind<S extends z.ZodObject = z.ZodObject> {
  schema: S;
  example: z.output<S>;
}

/** Declares a kind, with an example that fits its shape. */
export function receivedKind<S extends z.ZodObject>(schema: S, example: z.output<S>): ReceivedKind<S> {
  return { schema, example };
}
