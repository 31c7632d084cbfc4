const pattern = /^#\/channels\/([^/]+)$/;

/** The channel id in a location hash; null means the list. */
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
