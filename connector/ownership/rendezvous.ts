import { hash } from "node:crypto";

/** A living connector that takes channels, reduced to what rendezvous hashing needs. */
export interface Peer {
  /** The id of its lease. */
  id: string;
  /** The hashed name. It outlives a restart, so a restarted connector is preferred for the channels it had. */
  name: string;
  /** The most channels it takes. */
  capacity: number;
  /** The channels it owns. */
  load: number;
}

/**
 * Returns the peer that should own a channel by rendezvous hashing: of the peers with room, the one with the highest
 * random weight for the channel. All connectors that see the same peers agree without communicating, and adding or
 * removing a peer moves only its own share. Weighted by capacity (Mosharaf & Schindelhauer: −capacity / ln h). Null
 * when no peer has room.
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

/** Uniform in (0, 1), from 48 bits of the hash. */
function unit(text: string): number {
  return (Number.parseInt(hash("sha256", text, "hex").slice(0, 12), 16) + 0.5) / 2 ** 48;
}
