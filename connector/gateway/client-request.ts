import { z } from "zod";
import { apiKeySchema } from "./credential.ts";

const channel = z.strictObject({ channelId: z.string().min(1).max(100) });

/** `after` is the number of the last event the client has. */
const subscription = channel.extend({ after: z.int().min(0).optional() });

/** The requests of clients, and the events that answer them besides the acknowledgement. */
export const clientRequests = {
  authenticate: {
    payload: z.strictObject({ apiKey: apiKeySchema.optional() }),
    succeeded: "authenticated",
    failed: "authentication_failed",
  },
  subscribe_channel: { payload: subscription, succeeded: "subscribed", failed: "subscription_failed" },
  unsubscribe_channel: { payload: channel, succeeded: "unsubscribed", failed: "unsubscription_failed" },
} as const satisfies Record<string, { payload: z.ZodType; succeeded: string; failed: string }>;

export type RequestName = keyof typeof clientRequests;

/** Whether this is the name of a request. */
export function isRequestName(name: string): name is RequestName {
  return Object.hasOwn(clientRequests, name);
}

/** The channel that a malformed request seems to be about, so that the answer can name it. */
export function mentionedChannel(payload: unknown): { channelId: string } | Record<string, never> {
  const mentioned = z.object({ channelId: channel.shape.channelId }).safeParse(payload);
  return mentioned.success ? mentioned.data : {};
}
