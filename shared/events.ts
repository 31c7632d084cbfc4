import type { ChannelStatus, StatusReason } from "./channel.ts";

/** What became of an outgoing message; see `messageStatusRank`. */
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
 * Statuses only rise. A failure says that WhatsApp refused, which a later delivery disproves, so it stands below
 * `delivered`; and above `sent`, because the refusal comes after the bytes went out.
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
  /** The number WhatsApp or the transport gave, when there was one. */
  code: number | null;
  /** Our word for it; see `connector/machine/close-reason.ts`. */
  reason: string;
  /** RFC 3339. */
  at: string;
}

/** What an incoming or outgoing message carries, as it is told to callers. */
export type MessageContent =
  | { type: "text"; text: string }
  | {
      type: "image" | "video" | "audio" | "voice" | "document" | "sticker";
      mimetype: string | null;
      sizeBytes: number | null;
      caption?: string;
      fileName?: string;
    }
  /** WhatsApp has many kinds; the ones without a form of their own are named, never dropped. */
  | { type: "unsupported"; kind: string };

interface MessageEvent {
  messageId: string;
  /** The chat's JID. */
  from: string;
  /** Who wrote it. */
  sender: string;
  phoneNumber?: string;
  lid?: string;
  /** The text; the caption, for media; empty when there is neither. */
  message: string;
  content: MessageContent;
  /** When the sender says it was written, RFC 3339. */
  sentAt: string;
}

/** The events of the numbered log, by name. `channelId`, `seq`, `eventId` and `timestamp` are the envelope's. */
export interface EventData {
  connection_update: {
    status: ChannelStatus;
    reason?: StatusReason;
    /** RFC 3339. */
    retryAt?: string;
    lastDisconnect?: LastDisconnect;
  };
  incoming_message: MessageEvent & { type: "incoming" };
  /** Written on the phone or another linked device. */
  outgoing_message: MessageEvent & { type: "outgoing"; to: string };
  message_status_update: {
    messageId: string;
    status: Exclude<MessageStatus, "queued">;
    error?: { code: string; whatsappCode?: number };
  };
}

export type EventType = keyof EventData;

/** Live only: state of the channel document, never in the log. */
export interface LiveEventData {
  /** `qrCode` is a PNG data URL. Times RFC 3339. */
  qr_code: { qrCode: string; attempt: number; of: number; expiresAt: string };
  pairing_code: { code: string; expiresAt: string };
}
