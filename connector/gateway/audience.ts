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

/** A part of the listeners of a channel. */
export type Audience = keyof typeof audienceScopes;

const audiences = Object.keys(audienceScopes) as Audience[];

/** The audiences that a key belongs to, by its scopes alone. */
export function audiencesOf(grant: Grant): Audience[] {
  return audiences.filter((audience) => audienceScopes[audience].some((scope) => hasScope(grant, scope)));
}
