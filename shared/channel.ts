import { z } from "zod";
import { parsePhoneNumber } from "./address.ts";
import { wellFormed } from "./well-formed.ts";

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

/** Why a channel has its status; each status has reasons of its own. */
export const statusReasons = {
  connecting: ["connection_lost", "server_unavailable", "rate_limited", "replaced"],
  inactive: ["disconnected", "qr_expired", "interrupted"],
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
/** BSON allows 100 levels, and a stack is finite. */
const metadataDepthMax = 32;

/** As people write it; stored as digits. */
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
 * Free data of the caller, kept and echoed. At most 8 KB as JSON, 32 levels deep. Looked at before zod does, which leaves
 * out a `__proto__` without a word.
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

/** The driver takes an object with `_bsontype` for one of its own. */
const keysRefused = new Set(["_bsontype", "__proto__"]);

/** Why a value would not come out of the database as it went in; null when it would. */
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

/** BSON keys cannot hold a NUL. */
function keyProblem(key: string): string | null {
  if (key.includes("\0") || !key.isWellFormed())
    return "keys must be well-formed Unicode without NUL characters";
  return keysRefused.has(key) ? `must not contain the key ${key}` : null;
}
