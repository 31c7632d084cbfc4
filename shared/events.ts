/** The events that callers receive, and the statuses of messages. */

import type { ChannelStatus, StatusReason } from "./channel.ts";
import type { MessageEventData } from "./message-events.ts";

/** The statuses of an outgoing message; see `messageStatusRank`. */
export const messageStatuses = [
  "queued",
  "sent",
  "unknown",
  "failed",
  "delivered",
  "read",
  "played",
] as const;

export type MessageStatus = (typeof messageStatuses)[number];

/**
 * Statuses only rise. A failure means that WhatsApp refused the message. A later delivery disproves that, so it ranks
 * below `delivered`; the refusal arrives after the bytes left, so it ranks above `sent`.
 */
export const messageStatusRank: Record<MessageStatus, number> = {
  queued: 0,
  unknown: 1,
  sent: 2,
  failed: 3,
  delivered: 4,
  read: 5,
  played: 6,
};

export interface LastDisconnect {
  /** The code from WhatsApp or the transport, if there was one. */
  code: number | null;
  /** Our name for it; see `connector/machine/close-reason.ts`. */
  reason: string;
  /** RFC 3339. */
  at: string;
}

/** The events of the numbered log, by name. The envelope adds `channelId`, `seq`, `eventId` and `timestamp`. */
export interface EventData extends MessageEventData {
  connection_update: {
    status: ChannelStatus;
    reason?: StatusReason;
    /** RFC 3339. */
    retryAt?: string;
    lastDisconnect?: LastDisconnect;
  };
  message_status_update: {
    messageId: string;
    status: Exclude<MessageStatus, "queued">;
    error?: { code: string; whatsappCode?: number };
  };
}

export type EventType = keyof EventData;

/** Live events: state of the channel document, never in the log. */
export interface LiveEventData {
  /** `qrCode` is a PNG data URL. Times RFC 3339. */
  qr_code: { qrCode: string; attempt: number; of: number; expiresAt: string };
  pairing_code: { code: string; expiresAt: string };
}
