const pattern = /^#\/channels\/([^/]+)$/;

/** The id of the channel that a location hash names, or null for the list. */
export function channelInHash(hash: string): string | null {
  const id = pattern.exec(hash)?.[1];
  if (id === undefined) return null;
  try {
    return decodeURIComponent(id);
  } catch {
    return null;
  }
}

export function hashOfChannel(channelId: string): string {
  return `#/channels/${encodeURIComponent(channelId)}`;
}
