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

/** What a key may do: its scopes, and its channels (`null` = every channel). */
export interface Grant {
  scopes: readonly Scope[];
  channels: readonly string[] | null;
}

/** `admin` includes every other scope. */
export function hasScope(grant: Grant, scope: Scope): boolean {
  return grant.scopes.includes("admin") || grant.scopes.includes(scope);
}

/** Whether a key that may be limited to some channels covers this one. */
export function coversChannel(grant: Grant, channelId: string): boolean {
  return grant.channels === null || grant.channels.includes(channelId);
}
