import { type Grant, hasScope, type Scope } from "#shared/scopes.ts";

/**
 * The scopes of each audience, any one of which is enough; each audience is a room of a channel. Keys that may read
 * events receive the whole log. A QR or pairing code links a phone, so it requires the scope that may link one.
 */
const audienceScopes = {
  status: ["channels:read", "events:read"],
  messages: ["messages:read", "events:read"],
  pairing: ["channels:write"],
} as const satisfies Record<string, readonly Scope[]>;

/** The subscribers of a channel that receive the same kind of events. */
export type Audience = keyof typeof audienceScopes;

const audiences = Object.keys(audienceScopes) as Audience[];

/** The scopes that allow subscribing, since every subscriber receives the current status. */
export const subscribingScopes = audienceScopes.status;

/** The audiences of a key, by its scopes alone. */
export function audiencesOf(grant: Grant): Audience[] {
  return audiences.filter((audience) => audienceScopes[audience].some((scope) => hasScope(grant, scope)));
}
