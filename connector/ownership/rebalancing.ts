import type { Membership } from "./membership.ts";

/**
 * Chooses the channels to hand over after a connector joined. Only a join moves channels, so none moves back and forth.
 */
export interface Rebalancing {
  /** The next channel to hand over; null when there is none at the moment. */
  next(): Promise<string | null>;
}

export interface RebalancingOptions {
  membership: Pick<Membership, "joins" | "changedAt" | "forOthers">;
  /** Channels that have a session here. */
  channels(): Iterable<string>;
  /** Channels of ours that were moved recently. */
  resting(): Promise<string[]>;
  /** Filters the channels that can be interrupted at the moment. */
  movable(channelIds: readonly string[]): Promise<string[]>;
  /**
   * How long no connector may have joined or left before a plan is made; also the pause after nothing could be moved.
   */
  quietMs: number;
}

export function createRebalancing(options: RebalancingOptions): Rebalancing {
  const { membership, channels, resting, movable, quietMs } = options;
  let plannedFor = membership.joins();
  let plan: string[] = [];
  let waitsUntil = 0;

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
      plan = plan.filter((channelId) => ours.has(channelId));
      if (plan.length > 0) plan = await membership.forOthers(plan);
      if (plan.length === 0 || performance.now() < waitsUntil) return null;
      const [next = null] = await movable(plan);
      if (!next) waitsUntil = performance.now() + quietMs;
      plan = plan.filter((channelId) => channelId !== next);
      return next;
    },
  };
}
