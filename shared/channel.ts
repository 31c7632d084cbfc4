import { z } from "zod";
import { parsePhoneNumber } from "./address.ts";

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
    context.addIssue({ code: "custom", message: "must be 7 to 15 digits with country code, no leading 0" });
    return z.NEVER;
  });

const channelNameSchema = z.string().trim().min(1).max(100);

/** Free data of the caller, kept and echoed. At most 8 KB as JSON, 32 levels deep. */
const metadataSchema = z
  .record(z.string().max(100), z.unknown())
  .refine((value) => isStorable(value, metadataDepthMax), {
    error: `must be at most ${metadataDepthMax} levels deep, without NUL characters in its keys`,
    abort: true,
  })
  .refine(
    (value) => new TextEncoder().encode(JSON.stringify(value)).length <= metadataBytesMax,
    "must be at most 8 KB as JSON",
  );

export const createChannelSchema = z.strictObject({
  name: channelNameSchema,
  phoneNumber: phoneNumberSchema.optional(),
  metadata: metadataSchema.optional(),
});

export const updateChannelSchema = z
  .strictObject({ name: channelNameSchema, metadata: metadataSchema })
  .partial()
  .refine((value) => Object.keys(value).length > 0, "must change something");

/** BSON keys cannot hold a NUL. */
function isStorable(value: unknown, levelsLeft: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  if (levelsLeft === 0) return false;
  return Object.entries(value).every(
    ([key, inner]) => !key.includes("\0") && isStorable(inner, levelsLeft - 1),
  );
}
