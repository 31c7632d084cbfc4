/** Parses request headers and builds the OpenAPI document, its description and the page that renders it. */

import { z } from "@hono/zod-openapi";
import { type ErrorCode, errorCatalog } from "#shared/errors.ts";
import type { Scope } from "#shared/scopes.ts";
import { idempotencyHeader } from "../idempotency/keyed-request.ts";

/** The prefix of every path of the API. */
export const apiPrefix = "/api/whatsapp";

/** Any object. `additionalProperties` is `true`, because the renderer of `/docs` fails on a schema without a type. */
export const anyObject = z.record(z.string(), z.unknown()).openapi({ additionalProperties: true });

const fieldProblem = z.object({ field: z.string(), message: z.string() });

/**
 * The details of an error: a list of invalid fields, or an object of facts. Described as one schema with two types,
 * because the renderer of `/docs` fails on a union here.
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

/** Headers of every answer. */
export const requestIdHeader = { "X-Request-Id": header("Identifies the request, here and in the log") };

/** Headers of a call that takes an `Idempotency-Key`. */
export const keyedHeaders = {
  "Idempotency-Replayed": header(
    "`true` when an earlier request with this `Idempotency-Key` was already accepted or refused",
  ),
};

/** Headers of a call that submits a command. */
export const commandHeaders = {
  ...keyedHeaders,
  Location: header("The URL of the command, where its outcome can be read"),
  "Preference-Applied": header("The applied preference, if `Prefer` asked for one"),
};

/** Headers of a call that can wait. */
export const preferenceHeader = {
  "Preference-Applied": header("The applied preference, if `Prefer` asked for one"),
};

/** Headers of a call that creates something. */
export const locationHeader = { Location: header("The URL of the created resource") };

const retryAfterHeader = { "Retry-After": header("Seconds to wait before the next attempt, if known") };

/** Describes an answer in JSON. */
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

/** Describes a request body in JSON; an absent body counts as `{}`. */
export function jsonRequest<S extends z.ZodType>(schema: S) {
  return { content: { "application/json": { schema } } };
}

/**
 * Describes the refusals of a route. Handlers throw them and never return them, so the type adds nothing to what a
 * handler may return.
 */
export function refusals(...codes: ErrorCode[]): Record<never, never> {
  const byStatus = Map.groupBy(new Set(codes), (code) => errorCatalog[code].status);
  const content = {
    "application/json": { schema: errorSchema },
    "application/problem+json": { schema: problemSchema },
  };
  return Object.fromEntries(
    [...byStatus].map(([status, codesOfStatus]) => [
      status,
      {
        description: codesOfStatus.map((code) => `\`${code}\``).join(", "),
        headers: { ...requestIdHeader, ...(status === 429 && retryAfterHeader) },
        content,
      },
    ]),
  );
}

/** The refusals of every call that needs an API key. */
export const keyRefusals = [
  "missing_api_key",
  "invalid_api_key",
  "expired_api_key",
  "insufficient_scope",
  "internal",
  "database_unavailable",
] as const satisfies ErrorCode[];

/** The refusals of every call with a body. */
export const bodyRefusals = [
  "invalid_request",
  "invalid_json",
  "body_too_large",
  "unsupported_content_type",
] as const satisfies ErrorCode[];

/** The refusals of every call that takes an `Idempotency-Key`. */
export const keyedRefusals = ["invalid_request", "idempotency_key_reused"] as const satisfies ErrorCode[];

/** Describes the scope that a route requires; the text follows its description. */
export function openTo(scope: Scope, description = "") {
  return {
    security: [{ apiKey: [] }, { bearer: [] }, { session: [] }],
    description: `${description} Scope: \`${scope}\`.`.trimStart(),
    "x-scope": scope,
  };
}

/** The three ways to authenticate, as the document names them. */
export const securitySchemes = {
  apiKey: { type: "apiKey", in: "header", name: "X-Api-Key" },
  bearer: { type: "http", scheme: "bearer" },
  session: { type: "apiKey", in: "cookie", name: "waypost_session" },
} as const;

/** The path parameters of a call on a channel. */
export const channelParameters = z.object({ channelId: z.string() });

/** The `Prefer` header for the document; `waitPreference` parses it. */
export const preferHeader = z.object({
  prefer: z
    .string()
    .optional()
    .openapi({ example: "wait=10", description: "`wait=N` (0–30 s) or `respond-async`" }),
});

/** The headers of a call that submits a command. */
export const mutationHeaders = idempotencyHeader.extend(preferHeader.shape);

/** An RFC 3339 time, UTC. */
export const timeSchema = z.iso.datetime();
