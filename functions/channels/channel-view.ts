import { z } from "@hono/zod-openapi";
import { channelStatuses, channelType, type StatusReason, statusReasons } from "#shared/channel.ts";
import type { ChannelDocument } from "#shared/collections.ts";
import { anyObject, timeSchema } from "../http/openapi.ts";

const reasons = [...new Set(Object.values(statusReasons).flat())] as [StatusReason, ...StatusReason[]];

const statusFields = {
  channelId: z.string(),
  name: z.string(),
  status: z.enum(channelStatuses),
  lastStatusUpdate: timeSchema,
  isActive: z.boolean(),
  reason: z.enum(reasons).optional(),
  retryAt: timeSchema.optional(),
};

/** The answer of `GET …/status`: the part of a channel that changes. */
export const channelStatusSchema = z.object(statusFields).openapi("ChannelStatus");

/** A channel as callers see it. */
export const channelSchema = z
  .object({
    ...statusFields,
    type: z.literal(channelType),
    phoneNumber: z.string().nullable(),
    metadata: anyObject,
    lastDisconnect: z.object({ code: z.number().nullable(), reason: z.string(), at: timeSchema }).optional(),
    createdAt: timeSchema,
  })
  .openapi("Channel");

type View<S extends z.ZodType> = z.output<S>;

/** Shows a channel to callers, without its QR and pairing codes. */
export function channelView(channel: ChannelDocument): View<typeof channelSchema> {
  const { type, config, metadata, lastDisconnect, createdAt } = channel;
  return {
    ...channelStatusView(channel),
    type,
    phoneNumber: config.phoneNumber,
    metadata,
    ...(lastDisconnect && { lastDisconnect }),
    createdAt: createdAt.toISOString(),
  };
}

/** Shows the status of a channel to callers. */
export function channelStatusView(channel: ChannelDocument): View<typeof channelStatusSchema> {
  const { channelId, name, status, reason, retryAt, lastStatusUpdate } = channel;
  return {
    channelId,
    name,
    status,
    lastStatusUpdate: lastStatusUpdate.toISOString(),
    isActive: status === "active",
    ...(reason && { reason }),
    ...(retryAt && { retryAt: retryAt.toISOString() }),
  };
}
