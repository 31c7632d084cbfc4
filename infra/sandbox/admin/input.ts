import type { Context } from "hono";
import { z } from "zod";
import { parsePhoneNumber } from "#shared/address.ts";
import { fieldProblems } from "#shared/validation.ts";
import { AdminError } from "./errors.ts";

/** A phone number as people write it; digits only afterwards. */
export const phoneNumber = z.string().transform((text, context) => {
  const digits = parsePhoneNumber(text);
  if (digits) return digits;
  context.addIssue({ code: "custom", message: "7 to 15 digits with country code, such as 15550001111" });
  return z.NEVER;
});

const groupShape = /^\d{10,30}@g\.us$/;
export const groupJid = z.string().regex(groupShape, "such as 120363000000000000@g.us");

/** Whom a message is for. */
export const recipient = z.string().transform((text, context) => {
  const known = groupShape.test(text) ? text : parsePhoneNumber(text);
  if (known) return known;
  const message = "7 to 15 digits with country code, such as 15550001111, or the JID of a group";
  context.addIssue({ code: "custom", message });
  return z.NEVER;
});

/** How many of the latest a list shows. */
export const limit = z.coerce.number().int().min(1).max(200).default(50);

/** The JSON body; an absent one is `{}`. Throws 400 with every mistake in it. */
export async function body<T extends z.ZodType>(c: Context, schema: T): Promise<z.output<T>> {
  return parsed(schema, await rawBody(c));
}

/** The JSON body as it came; an absent one is `{}`. */
export async function rawBody(c: Context): Promise<unknown> {
  const text = await c.req.text();
  return text.trim() === "" ? {} : json(text);
}

/** The query string as an object. Throws 400 with every mistake in it. */
export const query = <T extends z.ZodType>(c: Context, schema: T): z.output<T> =>
  parsed(schema, c.req.query());

/** The `:phoneNumber` of the path. */
export function pathPhoneNumber(c: Context): string {
  return parsed(z.object({ phoneNumber }), { phoneNumber: c.req.param("phoneNumber") }).phoneNumber;
}

/** Throws 400 with every mistake in it. */
export function parsed<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new AdminError(
    "invalid_request",
    "The request has mistakes, see details.",
    fieldProblems(result.error),
  );
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new AdminError("invalid_json", "The body is not JSON.", [], { cause: error });
  }
}
