/** The command table: every type with its payload, lane and time to live, and the states a command can have. */

import { z } from "zod";
import { phoneNumberSchema } from "./channel.ts";
import { contentSchema } from "./content.ts";
import { parseAddress } from "./jid.ts";

/** A person: `+15551234567`, digits, `…@s.whatsapp.net` or `…@lid`. Outputs the normalised JID. */
export const recipientSchema = z
  .string()
  .max(100)
  .transform((text, context) => {
    const address = parseAddress(text);
    if (address && address.kind !== "group") return address.jid;
    const message = address
      ? "groups are not supported"
      : "must be a phone number with country code, …@s.whatsapp.net or …@lid";
    context.addIssue({ code: "custom", message });
    return z.NEVER;
  });

const noPayload = z.strictObject({});

/**
 * Every type of command.
 * `lane`: 0 control, 1 interactive, 2 bulk. Control commands have a loop of their own.
 * `ttlSeconds`: how long the command may wait to be claimed; null = the sender's `SEND_TTL_SECONDS`.
 * `isRepeatable`: whether it may be executed again after it may already have taken effect. A send is repeated under its
 * message id. A second pairing code invalidates the first one, which the phone's owner may be typing.
 */
export const commandTable = {
  "channel.connect": {
    payload: z.strictObject({ phoneNumber: phoneNumberSchema.optional() }),
    lane: 0,
    ttlSeconds: 120,
    isRepeatable: true,
  },
  "channel.request_pairing_code": {
    payload: z.strictObject({ phoneNumber: phoneNumberSchema }),
    lane: 0,
    ttlSeconds: 120,
    isRepeatable: false,
  },
  "channel.disconnect": { payload: noPayload, lane: 0, ttlSeconds: 120, isRepeatable: true },
  "channel.logout": { payload: noPayload, lane: 0, ttlSeconds: 86_400, isRepeatable: true },
  "channel.delete": { payload: noPayload, lane: 0, ttlSeconds: 30 * 86_400, isRepeatable: true },
  "message.send": {
    payload: z.strictObject({ to: recipientSchema, content: contentSchema }),
    lane: 1,
    ttlSeconds: null,
    isRepeatable: true,
  },
} as const satisfies Record<
  string,
  { payload: z.ZodType; lane: 0 | 1 | 2; ttlSeconds: number | null; isRepeatable: boolean }
>;

export type CommandType = keyof typeof commandTable;
export type CommandPayload<T extends CommandType> = z.output<(typeof commandTable)[T]["payload"]>;

export const commandTypes = Object.keys(commandTable) as CommandType[];

export const commandStates = [
  "queued",
  "running",
  "succeeded",
  "failed",
  "unknown",
  "expired",
  "cancelled",
  "dead",
] as const;

export type CommandState = (typeof commandStates)[number];

/** The result of each type of command when it succeeds. */
export interface CommandResults {
  "channel.connect": { status: string };
  "channel.request_pairing_code": { code: string; expiresAt: string };
  "channel.disconnect": { status: string };
  "channel.logout": { status: string };
  "channel.delete": Record<string, never>;
  "message.send": { messageId: string; to: string; type: string; status: "sent" };
}
