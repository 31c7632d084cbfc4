import type { Context } from "hono";
import { z } from "zod";
import { parsePhoneNumber } from "#shared/jid.ts";
import { fieldProblems } from "#shared/validation.ts";
import { AdminError } from "./errors.ts";

/** Parses a phone number as people write it, into digits only. */
export const phoneNumber = z.string().transform((text, context) => {
  const digits = parsePhoneNumber(text);
  if (digits) return digits;
  context.addIssue({ code: "custom", message: "7 to 15 digits with country code, such as 15550001111" });
  return z.NEVER;
});

const groupShape = /^\d{10,30}@g\.us$/;
export const groupJid = z.string().regex(groupShape, "such as 120363000000000000@g.us");

/** Parses the recipient of a message: a phone number or the JID of a group. */
export const recipient = z.string().transform((text, context) => {
  const known = groupShape.test(text) ? text : parsePhoneNumber(text);
  if (known) return known;
  const message = "7 to 15 digits with country code, such as 15550001111, or the JID of a group";
  context.addIssue({ code: "custom", message });
  return z.NEVER;
});

/** Number of latest entries that a list returns. */
export const limit = z.coerce.number().int().min(1).max(200).default(50);

/** Parses the JSON body; an absent one is `{}`. Throws 400 with every problem in it. */
export async function body<T extends z.ZodType>(c: Context, schema: T): Promise<z.output<T>> {
  return parsed(schema, await rawBody(c));
}

/** The JSON body before validation; an absent one is `{}`. */
export async function rawBody(c: Context): Promise<unknown> {
  const text = await c.req.text();
  return text.trim() === "" ? {} : json(text);
}

/** Parses the query string. Throws 400 with every problem in it. */
export const query = <T extends z.ZodType>(c: Context, schema: T): z.output<T> =>
  parsed(schema, c.req.query());

/** The `:phoneNumber` of the path. */
export function pathPhoneNumber(c: Context): string {
  return parsed(z.object({ phoneNumber }), { phoneNumber: c.req.param("phoneNumber") }).phoneNumber;
}

/** Validates a value. Throws 400 with every problem in it. */
export function parsed<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new AdminError(
    "invalid_request",
    "The request is invalid, see details.",
    fieldProblems(result.error),
  );
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new AdminError("invalid_json", "The body is not valid JSON.", [], { cause: error });
  }
}
