import { hash } from "node:crypto";

/** A living connector that takes channels, as far as it matters for who gets which. */
export interface Peer {
  /** Its lease. */
  id: string;
  /** What is hashed: it outlives a restart, so that a connector that comes back prefers what it had. */
  name: string;
  /** Channels that it takes at most. */
  capacity: number;
  /** Channels that it has. */
  load: number;
}

/**
 * Who should have a channel: the peer with the highest random weight for it that has room, by rendezvous hashing, so that
 * all who see the same peers agree without asking, and one peer more or less moves only its own share. Weighted by
 * capacity (Mosharaf & Schindelhauer: −capacity / ln h). Null when nobody has room.
 */
export function preferredPeer(channelId: string, peers: readonly Peer[]): Peer | null {
  let best: Peer | null = null;
  let bestWeight = Number.NEGATIVE_INFINITY;
  for (const peer of peers) {
    if (peer.load >= peer.capacity) continue;
    const weight = weightOf(channelId, peer);
    if (weight < bestWeight || (weight === bestWeight && best && best.id < peer.id)) continue;
    best = peer;
    bestWeight = weight;
  }
  return best;
}

function weightOf(channelId: string, { name, capacity }: Peer): number {
  return -capacity / Math.log(unit(`${channelId}/${name}`));
}

/** Evenly in (0, 1), from 48 bits. */
function unit(text: string): number {
  return (Number.parseInt(hash("sha256", text, "hex").slice(0, 12), 16) + 0.5) / 2 ** 48;
}
