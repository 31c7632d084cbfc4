import type { Db } from "mongodb";
import type { Config } from "#shared/config.ts";
import type { Collections } from "#shared/database.ts";
import { errorTrace } from "#shared/error-trace.ts";
import type { Logger } from "#shared/log.ts";
import { sleep } from "#shared/sleep.ts";
import { adoptAll } from "./commands/adoption.ts";
import { listenToCommands } from "./commands/command-doorbell.ts";
import { singleFlight } from "./concurrency/single-flight.ts";
import { createThrottle } from "./concurrency/token-bucket.ts";
import { isIdle } from "./machine/machine.ts";
import type { MediaFetch } from "./media/fetched-media.ts";
import { FencedError } from "./ownership/fence.ts";
import { createGracePeriod } from "./ownership/grace-period.ts";
import type { Lease } from "./ownership/lease.ts";
import { declareDead } from "./ownership/lease-store.ts";
import { createMembership, type Membership } from "./ownership/membership.ts";
import { channelsWithoutOwner, handOver, release, restingChannels } from "./ownership/ownership.ts";
import { listenToOwnership } from "./ownership/ownership-doorbell.ts";
import { createRebalancing } from "./ownership/rebalancing.ts";
import type { Session } from "./session/session.ts";
import { Sessions } from "./sessions.ts";
import type { Timings } from "./timings.ts";

export interface SupervisorOptions {
  db: Db;
  collections: Collections;
  lease: Lease;
  config: Pick<
    Config,
    "encryptionKeys" | "sendRate" | "sendBurst" | "sendTtlSeconds" | "whatsapp" | "channelsMax"
  >;
  timings: Timings;
  fetchMedia: MediaFetch;
  log: Logger;
}

/** Channels without an owner that one look finds at most; the next finds the others. */
const freeMax = 1_000;

/** What a connector does with one lease: finds the channels that need an owner, and runs them. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #sessions: Sessions;
  readonly #idleSince = new Map<string, number>();
  readonly #stopping = new AbortController();
  readonly #adopt = singleFlight(() => this.#look("adopt", () => this.#adoptAll()));
  readonly #sweep = singleFlight(() => this.#look("sweep", () => this.#sweepAll()));
  readonly #takeFreedSoon = singleFlight(() => this.#look("freed", () => this.#takeFreed()));
  /** Channels that were given back since the last look. */
  readonly #freed = new Set<string>();
  readonly #membership: Membership;
  readonly #gracePeriod;
  readonly #rebalancing;
  readonly #loops: Promise<void>[];

  constructor(options: SupervisorOptions) {
    this.#options = options;
    const { lease, timings, collections } = options;
    const signal = AbortSignal.any([this.#stopping.signal, lease.ended]);
    this.#sessions = new Sessions({
      ...options,
      channelsMax: options.config.channelsMax,
      turn: createThrottle(timings.connectsPerSecond, timings.connectBurst, signal),
      ring: (channelId) => this.ring(channelId),
    });
    this.#gracePeriod = createGracePeriod(timings.graceMs);
    this.#membership = createMembership({
      db: collections,
      connectorId: lease.id,
      load: () => this.#sessions.load(),
    });
    this.#rebalancing = createRebalancing({
      membership: this.#membership,
      connectorId: lease.id,
      channels: () => this.#sessions.channels(),
      resting: () => restingChannels(collections, lease.id, timings.moveRestMs),
      movable: (channelIds) => this.#sessions.movable(channelIds),
      quietMs: timings.moveQuietMs,
    });
    lease.ended.addEventListener("abort", () => this.abandon(), { once: true });
    this.#loops = this.#start(signal);
  }

  /** A channel has a new command, or is wanted to be connected. */
  ring(channelId: string): void {
    const session = this.#sessions.get(channelId);
    if (session) session.ring();
    else void this.#look("acquire", () => this.#takeIfOurs(channelId));
  }

  /**
   * Says that it drains, so that others are preferred; then stops every session politely and gives its channel back.
   */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#look("drain", () => this.#options.lease.drain());
    await Promise.all([this.#sessions.closeAll(release), ...this.#loops]);
  }

  /** Hangs every session up at once; nothing more is written. */
  abandon(): void {
    this.#stopping.abort();
    this.#sessions.abandon();
  }

  #start(signal: AbortSignal): Promise<void>[] {
    const { db, collections, timings, log } = this.#options;
    const heard = { log, signal, reopened: () => void this.#sweep() };
    return [
      listenToCommands({
        ...heard,
        commands: collections.commands,
        ring: (channelId) => this.ring(channelId),
        adopt: () => void this.#adopt(),
      }),
      listenToOwnership({
        ...heard,
        db,
        freed: (channelId) => {
          this.#freed.add(channelId);
          void this.#takeFreedSoon();
        },
        membersChanged: (connectorId) => void this.#membersChanged(connectorId),
      }),
      this.#every(timings.sweepMs, signal, () => this.#sweep()),
      this.#every(timings.deadCheckMs, signal, () => this.#look("dead check", () => this.#checkDead())),
      this.#every(timings.deadCheckMs, signal, () => this.#look("grace", () => this.#takeOverdue())),
      this.#every(1_000 / timings.movesPerSecond, signal, () => this.#look("balance", () => this.#balance())),
    ];
  }

  async #takeIfOurs(channelId: string): Promise<void> {
    if (await this.#membership.isOurs(channelId)) return this.#sessions.take(channelId);
    this.#gracePeriod.note(channelId, performance.now());
  }

  async #sweepAll(): Promise<void> {
    const { collections } = this.#options;
    // Rings by itself, and may take long: who is without an owner does not wait for it.
    void this.#adopt();
    await this.#membership.refresh();
    const owned = this.#sessions.channels();
    const [open, deleted] = await Promise.all([
      collections.commands.distinct("channelId", {
        channelId: { $in: owned },
        state: { $in: ["queued", "running"] },
      }),
      collections.channels.distinct("_id", { _id: { $in: owned }, deletedAt: { $ne: null } }),
    ]);
    for (const channelId of open) void this.#tend(channelId, (session) => session.tidy());
    for (const channelId of deleted) void this.#tend(channelId, (session) => session.erase());
    await this.#takeFree();
    await this.#closeIdle(new Set(open));
  }

  async #tend(channelId: string, work: (session: Session) => Promise<void>): Promise<void> {
    const session = this.#sessions.get(channelId);
    if (session) await work(session).catch((error: unknown) => session.fail(error));
  }

  /** Channels that need an owner: nobody's, or ours by the document while no session runs. */
  async #takeFree(): Promise<void> {
    const { collections, config, lease } = this.#options;
    if (this.#sessions.load() >= config.channelsMax) return;
    // Ours are among them, whether a session runs or not.
    const found = await channelsWithoutOwner(collections, lease.id, freeMax + config.channelsMax);
    for (const { channelId, isOurs } of found) {
      if (this.#sessions.get(channelId)) continue;
      void this.#look("acquire", () =>
        isOurs ? this.#sessions.take(channelId) : this.#takeIfOurs(channelId),
      );
    }
  }

  /** A channel that was given back need not need an owner: it may be idle. */
  async #takeFreed(): Promise<void> {
    const { collections, lease } = this.#options;
    const freed = [...this.#freed];
    this.#freed.clear();
    for (const { channelId } of await channelsWithoutOwner(collections, lease.id, freed.length, freed)) {
      this.ring(channelId);
    }
  }

  /** What another connector should have taken, and did not. */
  async #takeOverdue(): Promise<void> {
    const { collections, lease } = this.#options;
    const due = this.#gracePeriod.due(performance.now());
    if (due.length === 0) return;
    for (const { channelId } of await channelsWithoutOwner(collections, lease.id, due.length, due)) {
      void this.#look("acquire", () => this.#sessions.take(channelId));
    }
  }

  async #closeIdle(busy: ReadonlySet<string>): Promise<void> {
    const now = performance.now();
    for (const channelId of this.#sessions.channels()) {
      const machine = this.#sessions.get(channelId)?.machine();
      if (!machine || !isIdle(machine) || busy.has(channelId)) this.#idleSince.delete(channelId);
      else if (!this.#idleSince.has(channelId)) this.#idleSince.set(channelId, now);
    }
    const { idleReleaseMs } = this.#options.timings;
    const long = [...this.#idleSince].filter(([, since]) => now - since >= idleReleaseMs);
    for (const [channelId] of long) this.#idleSince.delete(channelId);
    // Beside each other: one after the other, hundreds would keep the sweep from all else.
    await Promise.all(long.map(([channelId]) => this.#sessions.close(channelId, release)));
  }

  async #balance(): Promise<void> {
    const channelId = await this.#rebalancing.next();
    if (!channelId || this.#stopping.signal.aborted) return;
    this.#options.log.info({ event: "balance", channelId }, "channel handed over");
    await this.#sessions.close(channelId, handOver);
  }

  async #adoptAll(): Promise<void> {
    const { collections, config } = this.#options;
    const ring = (channelId: string) => this.ring(channelId);
    await adoptAll(collections, config.sendTtlSeconds, ring, this.#stopping.signal);
  }

  async #checkDead(): Promise<void> {
    if ((await declareDead(this.#options.collections.connectors)) > 0) await this.#sweep();
  }

  async #membersChanged(connectorId: string): Promise<void> {
    const { lease } = this.#options;
    if (connectorId === lease.id) return lease.renew();
    // Begins before this returns: what is given back from here on is judged by who is there now.
    await this.#look("members", () => this.#membership.refresh());
    await this.#sweep();
  }

  async #every(ms: number, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    while (!signal.aborted) {
      await work();
      await sleep(ms, signal);
    }
  }

  /** The database may be away: the next look finds what this one missed. */
  async #look(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const level = error instanceof FencedError ? "info" : "warn";
      this.#options.log[level]({ event: what, ...errorTrace(error) }, "will look again");
    }
  }
}
