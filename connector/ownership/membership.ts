import type { Collections } from "#shared/database.ts";
import { singleFlight } from "../concurrency/single-flight.ts";
import { type Peer, preferredPeer } from "./rendezvous.ts";

/** The living connectors that take channels, as of the last query of this one. */
export interface Membership {
  /** Queries them again. */
  refresh(): Promise<void>;
  /** Whether this connector should take an unowned channel at once. Waits for a refresh in progress. */
  isOurs(channelId: string): Promise<boolean>;
  /** The connector that should have the channel, as far as is known; null when all are full. */
  preferred(channelId: string): Peer | null;
  /** The number of refreshes that found a new connector. */
  joins(): number;
  /** When a refresh last found a change; monotonic, in ms. */
  changedAt(): number;
}

export interface MembershipOptions {
  db: Pick<Collections, "connectors" | "channels">;
  /** The id of its own lease. */
  connectorId: string;
  /** The number of channels it runs itself, which it knows better than the database. */
  load(): number;
}

/** Every channel is its own until the first refresh. */
export function createMembership({ db, connectorId, load }: MembershipOptions): Membership {
  let peers: Peer[] = [];
  let joins = 0;
  let changedAt = performance.now();
  let refreshing: Promise<void> | null = null;

  const read = singleFlight(async () => {
    const found = await livingPeers(db);
    const before = new Set(peers.map(({ id }) => id));
    const hasJoined = found.some(({ id }) => !before.has(id));
    if (hasJoined || found.length !== before.size) changedAt = performance.now();
    if (hasJoined) joins++;
    peers = found;
  });
  const preferred = (channelId: string) => {
    const present = peers.map((peer) => (peer.id === connectorId ? { ...peer, load: load() } : peer));
    return preferredPeer(channelId, present);
  };

  return {
    refresh() {
      const mine = read().finally(() => {
        if (refreshing === mine) refreshing = null;
      });
      refreshing = mine;
      return mine;
    },
    async isOurs(channelId) {
      await refreshing?.catch(() => undefined);
      const peer = preferred(channelId);
      return peer === null || peer.id === connectorId;
    },
    preferred,
    joins: () => joins,
    changedAt: () => changedAt,
  };
}

/** Leaves out connectors that drain or are overdue. */
async function livingPeers({ connectors, channels }: MembershipOptions["db"]): Promise<Peer[]> {
  const alive = { state: "alive" as const, $expr: { $gt: ["$aliveUntil", "$$NOW"] } };
  const [found, loads] = await Promise.all([
    connectors.find(alive, { projection: { name: 1, capacity: 1 } }).toArray(),
    channels
      .aggregate<{ _id: string; load: number }>([
        { $match: { "owner.connector": { $ne: null } } },
        { $group: { _id: "$owner.connector", load: { $sum: 1 } } },
      ])
      .toArray(),
  ]);
  const loadOf = new Map(loads.map(({ _id, load }) => [_id, load]));
  return found.map(({ _id: id, name, capacity }) => ({ id, name, capacity, load: loadOf.get(id) ?? 0 }));
}
