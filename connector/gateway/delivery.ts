import type { EventDocument } from "../../shared/collections.ts";
import { type Grant, hasScope, type Scope } from "../../shared/scopes.ts";

/**
 * Who hears an event of a channel: each audience is a room of it. One of the scopes is enough. Messages are told to
 * those who could read them over HTTP as messages or as events; a QR or a pairing code links a phone, so it takes the
 * scope that may do so.
 */
const audienceScopes = {
  status: ["channels:read"],
  messages: ["messages:read", "events:read"],
  pairing: ["channels:write"],
} as const satisfies Record<string, readonly Scope[]>;

export type Audience = keyof typeof audienceScopes;

const audiences = Object.keys(audienceScopes) as Audience[];

/** One event on its way to sockets. */
export interface Delivery {
  audience: Audience;
  name: string;
  payload: Record<string, unknown>;
}

export function audiencesOf(grant: Grant): Audience[] {
  return audiences.filter((audience) => audienceScopes[audience].some((scope) => hasScope(grant, scope)));
}

export function roomOf(channelId: string, audience: Audience): string {
  return `channel/${channelId}/${audience}`;
}

/** A row of the log as clients see it. */
export function logDelivery({ _id, seq, channelId, timestamp, type, data }: EventDocument): Delivery {
  return {
    audience: type === "connection_update" ? "status" : "messages",
    name: type,
    payload: { ...data, eventId: _id, seq, channelId, timestamp: timestamp.toISOString() },
  };
}
