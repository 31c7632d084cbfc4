import type { ConnectorDocument } from "#shared/collections.ts";
import type { Collections } from "#shared/database.ts";
import { singleFlight } from "../concurrency/single-flight.ts";
import { preferredPeer, type Peer as RendezvousPeer } from "./rendezvous.ts";
import { canOpen, haveSameKeys, type KeyHolder, openSeal, type ReadSeals, type Seal } from "./seal.ts";

type Peer = RendezvousPeer & KeyHolder;

/** The living connectors that take channels, as of the last query of this one. */
export interface Membership {
  /** Queries them again. */
  refresh(): Promise<void>;
  /** Whether this connector should take an unowned channel at once. Waits for a refresh in progress. */
  isOurs(channelId: string): Promise<boolean>;
  /** Tells who can open each channel; asks the database. */
  openers(channelIds: readonly string[]): Promise<Map<string, Openers>>;
  /** The channels among these that should be another connector's. */
  forOthers(channelIds: readonly string[]): Promise<string[]>;
  /** Whether all living connectors have this master key. */
  isSharedKey(masterKeyId: string): boolean;
  /** The ids of the living connectors. */
  ids(): string[];
  /** Whether there is another connector that may have to be declared dead; true before the first refresh. */
  hasOthers(): boolean;
  /** The number of refreshes that found a new connector. */
  joins(): number;
  /** When a refresh last found a change; monotonic, in ms. */
  changedAt(): number;
}

/** Whether this connector, and whether another living one, can open a channel. */
export interface Openers {
  us: boolean;
  others: boolean;
}

export interface MembershipOptions {
  db: Pick<Collections, "connectors" | "channels">;
  /** The id of its own lease. */
  connectorId: string;
  /** Names its encryption keys. */
  masterKeyIds: readonly string[];
  readSeals: ReadSeals;
  /** The number of channels it runs itself, which it knows better than the database. */
  load(): number;
}

/** Every channel is its own until the first refresh. */
export function createMembership(options: MembershipOptions): Membership {
  const { db, connectorId, masterKeyIds, readSeals, load } = options;
  const self = { id: connectorId, masterKeyIds };
  let peers: Peer[] = [];
  let hasOthers = true;
  let joins = 0;
  let changedAt = performance.now();
  let refreshing: Promise<void> | null = null;

  const read = singleFlight(async () => {
    const undead = await undeadPeers(db);
    const found = undead.filter(({ isAlive }) => isAlive);
    const before = new Set(peers.map(({ id }) => id));
    const hasJoined = found.some(({ id }) => !before.has(id));
    if (hasJoined || found.length !== before.size) changedAt = performance.now();
    if (hasJoined) joins++;
    peers = found;
    hasOthers = undead.some(isOther);
  });
  const present = () => peers.map((peer) => (peer.id === connectorId ? { ...peer, load: load() } : peer));
  const isOther = ({ id }: Pick<Peer, "id">) => id !== connectorId;
  /** A full connector that can open a channel still goes before one that cannot. */
  const isPreferred = (channelId: string, seal: Seal) => {
    const able = present().filter((peer) => canOpen(peer, seal));
    const peer = preferredPeer(channelId, able.length > 0 ? able : present());
    return peer ? !isOther(peer) : able.length === 0 || canOpen(self, seal);
  };
  const sealOf = async (channelId: string) => {
    if (haveSameKeys(peers)) return openSeal;
    return (await readSeals([channelId])).get(channelId) ?? openSeal;
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
      return isPreferred(channelId, await sealOf(channelId));
    },
    async openers(channelIds) {
      const seals = await readSeals(channelIds);
      const others = peers.filter(isOther);
      const openersOf = (seal = openSeal) => ({
        us: canOpen(self, seal),
        others: others.some((peer) => canOpen(peer, seal)),
      });
      return new Map(channelIds.map((channelId) => [channelId, openersOf(seals.get(channelId))]));
    },
    async forOthers(channelIds) {
      const seals = await readSeals(channelIds);
      return channelIds.filter((channelId) => {
        const able = present().filter((peer) => canOpen(peer, seals.get(channelId) ?? openSeal));
        const peer = preferredPeer(channelId, able);
        return peer !== null && isOther(peer);
      });
    },
    // Before the first refresh nothing is known of the others.
    isSharedKey: (id) => peers.length > 0 && peers.every((peer) => peer.masterKeyIds?.includes(id) ?? false),
    ids: () => peers.map(({ id }) => id),
    hasOthers: () => hasOthers,
    joins: () => joins,
    changedAt: () => changedAt,
  };
}

/** The connectors that are not dead; those that drain or are overdue are not alive either. */
async function undeadPeers({
  connectors,
  channels,
}: MembershipOptions["db"]): Promise<(Peer & { isAlive: boolean })[]> {
  const isAlive = { $and: [{ $eq: ["$state", "alive"] }, { $gt: ["$aliveUntil", "$$NOW"] }] };
  const projection = { name: 1, capacity: 1, masterKeyIds: 1, isAlive };
  const [found, loads] = await Promise.all([
    connectors
      .find<ConnectorDocument & { isAlive: boolean }>({ state: { $ne: "dead" } }, { projection })
      .toArray(),
    channels
      .aggregate<{ _id: string; load: number }>([
        { $match: { "owner.connector": { $ne: null } } },
        { $group: { _id: "$owner.connector", load: { $sum: 1 } } },
      ])
      .toArray(),
  ]);
  const loadOf = new Map(loads.map(({ _id, load }) => [_id, load]));
  return found.map(({ _id: id, name, capacity, masterKeyIds = null, isAlive }) => {
    return { id, name, capacity, masterKeyIds, isAlive, load: loadOf.get(id) ?? 0 };
  });
}
