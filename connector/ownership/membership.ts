import type { Collections } from "#shared/database.ts";
import { singleFlight } from "../concurrency/single-flight.ts";
import { type Peer, preferredPeer } from "./rendezvous.ts";

/** The living connectors that take channels, as this one has last seen them. */
export interface Membership {
  /** Reads them again. */
  refresh(): Promise<void>;
  /** Whether a channel without an owner is this connector's to take at once. Waits for a look that is under way. */
  isOurs(channelId: string): Promise<boolean>;
  /** Who should have the channel as far as is known; null when everybody is full. */
  preferred(channelId: string): Peer | null;
  /** How often somebody was seen who had not been there before. */
  joins(): number;
  /** When it last was other connectors than before; monotonic, in ms. */
  changedAt(): number;
}

export interface MembershipOptions {
  db: Pick<Collections, "connectors" | "channels">;
  /** Its own lease. */
  connectorId: string;
  /** How many channels it has itself, which it knows better than the database. */
  load(): number;
}

/** Knows only itself until it has looked. */
export function createMembership({ db, connectorId, load }: MembershipOptions): Membership {
  let peers: Peer[] = [];
  let joins = 0;
  let changedAt = performance.now();
  let looking: Promise<void> | null = null;

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
        if (looking === mine) looking = null;
      });
      looking = mine;
      return mine;
    },
    async isOurs(channelId) {
      await looking?.catch(() => undefined);
      const peer = preferred(channelId);
      return peer === null || peer.id === connectorId;
    },
    preferred,
    joins: () => joins,
    changedAt: () => changedAt,
  };
}

/** Neither those that drain nor those that are overdue. */
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
