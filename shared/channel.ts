/** Channels: their statuses with reasons, and the schemas to create and update them. */

import { z } from "zod";
import { parsePhoneNumber } from "./jid.ts";
import { wellFormed } from "./well-formed-text.ts";

export const channelStatuses = [
  "inactive",
  "connecting",
  "qr_ready",
  "pairing_code_ready",
  "active",
  "error",
  "logged_out",
] as const;

export type ChannelStatus = (typeof channelStatuses)[number];

/** Why a channel has its status. Each status has its own reasons. */
export const statusReasons = {
  connecting: [
    "connection_lost",
    "server_unavailable",
    "server_untrusted",
    "rate_limited",
    "replaced",
    "unlinking",
  ],
  inactive: ["disconnected", "qr_expired", "interrupted", "connection_lost"],
  error: [
    "replaced",
    "client_outdated",
    "banned",
    "temporarily_banned",
    "wrong_number",
    "passkey_required",
    "pairing_failed",
    "credentials_unreadable",
  ],
  logged_out: ["unlinked_by_phone", "unlinked_by_api"],
} as const satisfies Partial<Record<ChannelStatus, readonly string[]>>;

export type StatusReason = (typeof statusReasons)[keyof typeof statusReasons][number];

export const channelType = "whatsapp_automated";

const metadataBytesMax = 8 * 1024;
/** BSON allows 100 levels, and the recursive check below needs a bound. */
const metadataDepthMax = 32;

/** Accepts a number as people write it; outputs digits. */
export const phoneNumberSchema = z
  .string()
  .max(32)
  .transform((text, context) => {
    const phoneNumber = parsePhoneNumber(text);
    if (phoneNumber) return phoneNumber;
    context.addIssue({
      code: "custom",
      message: "must be 7 to 15 digits with country code and no leading 0",
    });
    return z.NEVER;
  });

const channelNameSchema = z
  .string()
  .trim()
  .min(1)
  .max(100)
  .refine(...wellFormed);

/**
 * Free-form data of the caller, stored and returned unchanged. At most 8 KB as JSON and 32 levels deep. Checked before
 * zod parses it, because zod silently drops `__proto__`.
 */
const metadataSchema = z.preprocess(
  (value, context) => {
    const message = storageProblem(value, metadataDepthMax);
    if (message) context.addIssue({ code: "custom", message });
    return value;
  },
  z
    .record(z.string().max(100), z.unknown())
    .refine(
      (value) => new TextEncoder().encode(JSON.stringify(value)).length <= metadataBytesMax,
      "must be at most 8 KB as JSON",
    ),
);

export const createChannelSchema = z.strictObject({
  name: channelNameSchema,
  phoneNumber: phoneNumberSchema.optional(),
  metadata: metadataSchema.optional(),
});

export const updateChannelSchema = z
  .strictObject({ name: channelNameSchema.optional(), metadata: metadataSchema.optional() })
  .refine((value) => Object.keys(value).length > 0, {
    error: "must change at least one field",
    // A request with an unknown field did mean to change something: report only that field.
    when: ({ issues }) => issues.length === 0,
  });

/** The driver treats an object with `_bsontype` as one of its own types. */
const keysRefused = new Set(["_bsontype", "__proto__"]);

/** Why the database would not return a value unchanged; null if it would. */
function storageProblem(value: unknown, levelsLeft: number): string | null {
  if (typeof value === "string") return value.isWellFormed() ? null : `text ${wellFormed[1]}`;
  if (typeof value === "number") return Number.isFinite(value) ? null : "numbers must be finite";
  if (typeof value !== "object" || value === null) return null;
  if (levelsLeft === 0) return `must be nested at most ${metadataDepthMax} levels deep`;
  for (const [key, inner] of Object.entries(value)) {
    const problem = keyProblem(key) ?? storageProblem(inner, levelsLeft - 1);
    if (problem) return problem;
  }
  return null;
}

/** BSON keys cannot contain NUL. */
function keyProblem(key: string): string | null {
  if (key.includes("\0") || !key.isWellFormed())
    return "keys must be well-formed Unicode without NUL characters";
  return keysRefused.has(key) ? `must not contain the key ${key}` : null;
}
