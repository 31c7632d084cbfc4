import type { Membership } from "./membership.ts";

/** Which of a connector's channels go to one that joined. Nothing moves without a join, so nothing moves to and fro. */
export interface Rebalancing {
  /** The next channel to hand over now; null when there is none. */
  next(): Promise<string | null>;
}

export interface RebalancingOptions {
  membership: Pick<Membership, "joins" | "changedAt" | "preferred">;
  connectorId: string;
  /** Channels that have a session here. */
  channels(): Iterable<string>;
  /** Those of ours that were moved not long ago. */
  resting(): Promise<string[]>;
  /** Those of them that may be interrupted at the moment. */
  movable(channelIds: readonly string[]): Promise<string[]>;
  /** Nobody joined or left for this long before a plan is made; a plan of which nothing could be moved waits as long. */
  quietMs: number;
}

export function createRebalancing(options: RebalancingOptions): Rebalancing {
  const { membership, connectorId, channels, resting, movable, quietMs } = options;
  let plannedFor = membership.joins();
  let plan: string[] = [];
  let waitsUntil = 0;

  const isForAnother = (channelId: string) => {
    const peer = membership.preferred(channelId);
    return peer !== null && peer.id !== connectorId;
  };
  const makePlan = async () => {
    const joins = membership.joins();
    if (joins === plannedFor || performance.now() - membership.changedAt() < quietMs) return;
    const staying = new Set(await resting());
    plan = [...channels()].filter((channelId) => !staying.has(channelId));
    plannedFor = joins;
  };

  return {
    async next() {
      await makePlan();
      const ours = new Set(channels());
      plan = plan.filter((channelId) => ours.has(channelId) && isForAnother(channelId));
      if (plan.length === 0 || performance.now() < waitsUntil) return null;
      const [next = null] = await movable(plan);
      if (!next) waitsUntil = performance.now() + quietMs;
      plan = plan.filter((channelId) => channelId !== next);
      return next;
    },
  };
}
