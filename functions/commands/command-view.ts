import { z } from "@hono/zod-openapi";
import type { CommandDocument } from "#shared/collections.ts";
import { commandStates } from "#shared/commands.ts";
import { type Grant, hasScope } from "#shared/scopes.ts";
import { anyObject, errorDetails, timeSchema } from "../http/openapi.ts";

/** A command as callers see it. Most fields are optional, because other services insert commands too. */
export const commandSchema = z
  .object({
    commandId: z.string(),
    channelId: z.string(),
    type: z.string(),
    state: z.enum(commandStates),
    messageId: z.string().optional(),
    attempts: z.number().int(),
    createdAt: timeSchema.optional(),
    expiresAt: timeSchema.optional(),
    doneAt: timeSchema.optional(),
    result: anyObject.optional(),
    error: z
      .object({
        code: z.string(),
        message: z.string(),
        details: errorDetails,
      })
      .optional(),
  })
  .openapi("Command");

/** The fields of a document. Values of a wrong type, written by another service, are replaced or left out. */
const stored = z.object({
  channelId: z.string().catch(""),
  type: z.string().catch(""),
  state: z.enum(commandStates).catch("queued"),
  messageId: z.string().nullable().catch(null),
  attempts: z.int().catch(0),
  createdAt: z.date().nullable().catch(null),
  expiresAt: z.date().nullable().catch(null),
  doneAt: z.date().nullable().catch(null),
  result: z.record(z.string(), z.unknown()).nullable().catch(null),
  error: z
    .object({ code: z.string(), message: z.string(), details: z.unknown().optional() })
    .nullable()
    .catch(null),
});

/**
 * Shows a command to a caller: its outcome, not its payload, and a pairing code only with `channels:write`. The document
 * may lack almost any field, because other services insert commands too and an invalid one is stored as it was.
 */
export function commandView(
  command: Pick<CommandDocument, "_id"> & Partial<CommandDocument>,
  caller: Grant,
): z.output<typeof commandSchema> {
  const { _id } = command;
  const { channelId, type, state, messageId, attempts, createdAt, expiresAt, doneAt, result, error } =
    stored.parse(command);
  const isSecret = type === "channel.request_pairing_code" && !hasScope(caller, "channels:write");
  return {
    commandId: String(_id),
    channelId,
    type,
    state,
    ...(messageId && { messageId }),
    attempts,
    ...(createdAt && { createdAt: createdAt.toISOString() }),
    ...(expiresAt && { expiresAt: expiresAt.toISOString() }),
    ...(doneAt && { doneAt: doneAt.toISOString() }),
    ...(result && !isSecret && { result }),
    ...(error && { error: errorView(error) }),
  };
}

function errorView({ code, message, details }: { code: string; message: string; details?: unknown }) {
  if (typeof details !== "object" || details === null) return { code, message };
  return {
    code,
    message,
    details: Array.isArray(details) ? details.map((detail) => ({ ...detail })) : { ...details },
  };
}
