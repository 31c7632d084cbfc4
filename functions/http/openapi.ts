import { z } from "@hono/zod-openapi";
import { type ErrorCode, errorCatalog } from "#shared/errors.ts";
import type { Scope } from "#shared/scopes.ts";
import { idempotencyHeader } from "../idempotency/keyed-request.ts";

/** Where every call of the API stands. */
export const apiPrefix = "/api/whatsapp";

/** Any object. As `true`, because the page that shows the document stumbles over a schema without a type. */
export const anyObject = z.record(z.string(), z.unknown()).openapi({ additionalProperties: true });

const fieldProblem = z.object({ field: z.string(), message: z.string() });

/**
 * What else there is to say of an error: fields that are wrong, or facts. Described as one type with two forms, because
 * the page that shows the document stumbles over a choice of two schemas here.
 */
export const errorDetails = z
  .union([z.array(fieldProblem), anyObject])
  .openapi({
    type: ["array", "object"],
    items: {
      type: "object",
      properties: { field: { type: "string" }, message: { type: "string" } },
      required: ["field", "message"],
    },
    additionalProperties: true,
  })
  .optional();

const errorSchema = z
  .object({
    ok: z.literal(false),
    error: z.object({
      code: z.enum(Object.keys(errorCatalog) as [ErrorCode, ...ErrorCode[]]),
      message: z.string(),
      details: errorDetails,
      requestId: z.string(),
      retryable: z.boolean(),
    }),
  })
  .openapi("Error");

const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    detail: z.string(),
    instance: z.string(),
    code: z.string(),
    details: errorDetails,
    requestId: z.string(),
    retryable: z.boolean(),
  })
  .openapi("Problem");

type Header = { description: string; schema: { type: "string" } };

const header = (description: string): Header => ({ description, schema: { type: "string" } });

/** On every answer. */
export const requestIdHeader = { "X-Request-Id": header("Names the request, here and in the log") };

/** On what a call answers that may be repeated under a key; on its refusals, too. */
export const keyedHeaders = {
  "Idempotency-Replayed": header(
    "`true` when the request was accepted or refused before, under its `Idempotency-Key`",
  ),
};

/** On what a call answers that wrote a command. */
export const commandHeaders = {
  ...keyedHeaders,
  Location: header("The command, which tells what becomes of it"),
  "Preference-Applied": header("How long the answer waited for the result, if `Prefer` asked for it"),
};

/** On what a call answers that may have waited. */
export const preferenceHeader = {
  "Preference-Applied": header("How long it was ready to wait, if `Prefer` asked"),
};

/** On what a call answers that made something. */
export const locationHeader = { Location: header("Where what was made is read") };

const retryAfterHeader = { "Retry-After": header("Seconds after which to ask again, if known") };

/** An answer in JSON, as a route describes it. */
export function json<S extends z.ZodType>(
  schema: S,
  description: string,
  headers: Record<string, Header> = {},
) {
  return {
    description,
    headers: { ...requestIdHeader, ...headers },
    content: { "application/json": { schema } },
  };
}

/** A body in JSON; when it is absent it counts as `{}`. */
export function jsonRequest<S extends z.ZodType>(schema: S) {
  return { content: { "application/json": { schema } } };
}

/**
 * The refusals of a route, for the document. They are thrown, never returned, so their type adds nothing to what a
 * handler may return.
 */
export function refusals(...codes: ErrorCode[]): Record<never, never> {
  const byStatus = Map.groupBy(new Set(codes), (code) => errorCatalog[code].status);
  const content = {
    "application/json": { schema: errorSchema },
    "application/problem+json": { schema: problemSchema },
  };
  return Object.fromEntries(
    [...byStatus].map(([status, those]) => [
      status,
      {
        description: those.map((code) => `\`${code}\``).join(", "),
        headers: { ...requestIdHeader, ...(status === 429 && retryAfterHeader) },
        content,
      },
    ]),
  );
}

/** What any call with a key may be refused for. */
export const keyRefusals = [
  "missing_api_key",
  "invalid_api_key",
  "expired_api_key",
  "insufficient_scope",
  "internal",
  "database_unavailable",
] as const satisfies ErrorCode[];

/** What any call with a body may be refused for. */
export const bodyRefusals = [
  "invalid_request",
  "invalid_json",
  "body_too_large",
  "unsupported_content_type",
] as const satisfies ErrorCode[];

/** What any call may be refused for that may be repeated under a key. */
export const keyedRefusals = ["invalid_request", "idempotency_key_reused"] as const satisfies ErrorCode[];

/** How a route says who may call it, and what else there is to say. */
export function openTo(scope: Scope, description = "") {
  return {
    security: [{ apiKey: [] }, { bearer: [] }, { session: [] }],
    description: `${description} Scope: \`${scope}\`.`.trimStart(),
    "x-scope": scope,
  };
}

/** The three ways to say who calls, as the document names them. */
export const securitySchemes = {
  apiKey: { type: "apiKey", in: "header", name: "X-Api-Key" },
  bearer: { type: "http", scheme: "bearer" },
  session: { type: "apiKey", in: "cookie", name: "waypost_session" },
} as const;

/** The path parameters of a call on a channel. */
export const channelParameters = z.object({ channelId: z.string() });

/** How long to wait, the whole of which is read by `waitPreference`. */
export const preferHeader = z.object({
  prefer: z
    .string()
    .optional()
    .openapi({ example: "wait=10", description: "`wait=N` (0–30 s) or `respond-async`" }),
});

/** A name for the request; and how long to wait for the result. */
export const mutationHeaders = idempotencyHeader.extend(preferHeader.shape);

/** An RFC 3339 time, UTC. */
export const timeSchema = z.iso.datetime();
