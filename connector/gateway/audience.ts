import { type Grant, hasScope, type Scope } from "#shared/scopes.ts";

/**
 * Who hears an event of a channel: each audience is a room of it. One of the scopes is enough. What is in the log is
 * told to who may read events, too; a QR or a pairing code links a phone, so it takes the scope that may do so.
 */
const audienceScopes = {
  status: ["channels:read", "events:read"],
  messages: ["messages:read", "events:read"],
  pairing: ["channels:write"],
} as const satisfies Record<string, readonly Scope[]>;

/** A part of the listeners of a channel. */
export type Audience = keyof typeof audienceScopes;

const audiences = Object.keys(audienceScopes) as Audience[];

/** What it takes to subscribe: whoever does is told the present status. */
export const subscribingScopes = audienceScopes.status;

/** The audiences that a key belongs to, by its scopes alone. */
export function audiencesOf(grant: Grant): Audience[] {
  return audiences.filter((audience) => audienceScopes[audience].some((scope) => hasScope(grant, scope)));
}
