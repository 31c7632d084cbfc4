/** Scopes: what an API key is allowed to do. */
export const scopes = [
  "channels:read",
  "channels:write",
  "messages:read",
  "messages:send",
  "events:read",
  "webhooks:manage",
  "keys:manage",
  "admin",
] as const;

export type Scope = (typeof scopes)[number];

/** The rights of a key: its scopes and its channels (`null` = every channel). */
export interface Grant {
  scopes: readonly Scope[];
  channels: readonly string[] | null;
}

/** `admin` includes every other scope. */
export function hasScope(grant: Grant, scope: Scope): boolean {
  return grant.scopes.includes("admin") || grant.scopes.includes(scope);
}

/** Whether the key covers this channel. */
export function coversChannel(grant: Grant, channelId: string): boolean {
  return grant.channels === null || grant.channels.includes(channelId);
}
