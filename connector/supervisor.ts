import type { Db } from "mongodb";
import type { ChangeHub } from "#shared/change-hub.ts";
import type { QueuedCommand } from "#shared/changes.ts";
import type { Config } from "#shared/config.ts";
import type { Collections } from "#shared/database.ts";
import { errorTrace } from "#shared/error-trace.ts";
import type { Logger } from "#shared/log.ts";
import { sleep } from "#shared/sleep.ts";
import { masterKeyId } from "./auth/envelope.ts";
import { sealReader } from "./auth/read-seals.ts";
import { adoptForeignCommands } from "./commands/adopt-foreign-commands.ts";
import { listenToCommands } from "./commands/command-doorbell.ts";
import { refuseStrays } from "./commands/refuse-strays.ts";
import { singleFlight } from "./concurrency/single-flight.ts";
import { createConnectTurns } from "./connect-turns.ts";
import { createIdleChannels } from "./idle-channels.ts";
import { isIdle } from "./machine/machine.ts";
import type { MediaFetch } from "./media/fetched-media.ts";
import type { ConnectorLease } from "./ownership/connector-lease.ts";
import { declareDead } from "./ownership/dead-connectors.ts";
import { FencedError } from "./ownership/fence.ts";
import { createGracePeriod } from "./ownership/grace-period.ts";
import { createMembership, type Membership } from "./ownership/membership.ts";
import { channelsWithCommands } from "./ownership/open-commands.ts";
import { channelsWithoutOwner, handOver, release, restingChannels } from "./ownership/ownership.ts";
import { listenToOwnership } from "./ownership/ownership-doorbell.ts";
import { createRebalancing } from "./ownership/rebalancing.ts";
import type { Session } from "./session/session.ts";
import { Sessions } from "./sessions.ts";
import type { Timings } from "./timings.ts";

export interface SupervisorOptions {
  db: Db;
  collections: Collections;
  changes: ChangeHub;
  lease: ConnectorLease;
  config: Pick<
    Config,
    "encryptionKeys" | "sendRate" | "sendBurst" | "sendTtlSeconds" | "whatsapp" | "channelsMax"
  >;
  timings: Timings;
  fetchMedia: MediaFetch;
  log: Logger;
}

/** How many channels without an owner one query finds; the next query finds the others. */
const freeMax = 1_000;

/** Finds channels that need an owner, and supervises their sessions while one lease lasts. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #sessions: Sessions;
  readonly #stopping = new AbortController();
  readonly #adopt = singleFlight(() => this.#attempt("adopt", () => this.#adoptAll()));
  readonly #sweep = singleFlight(() => this.#attempt("sweep", () => this.#sweepAll()));
  readonly #takeFreedSoon = singleFlight(() => this.#attempt("freed", () => this.#takeFreed()));
  /** Channels given back since the last query. */
  readonly #freed = new Set<string>();
  readonly #membership: Membership;
  readonly #gracePeriod;
  readonly #idleChannels;
  readonly #rebalancing;
  readonly #loops: Promise<void>[];

  constructor(options: SupervisorOptions) {
    this.#options = options;
    const { lease, timings, collections } = options;
    const signal = AbortSignal.any([this.#stopping.signal, lease.ended]);
    this.#membership = createMembership({
      db: collections,
      connectorId: lease.id,
      masterKeyIds: options.config.encryptionKeys.map(masterKeyId),
      readSeals: sealReader(options.db, collections),
      load: () => this.#sessions.load(),
    });
    this.#sessions = new Sessions({
      ...options,
      membership: this.#membership,
      isSharedKey: this.#membership.isSharedKey,
      leave: (channelId) => this.#gracePeriod.note(channelId, performance.now()),
      channelsMax: options.config.channelsMax,
      turns: createConnectTurns(timings, lease, signal),
      ring: (channelId) => this.ring(channelId),
    });
    this.#gracePeriod = createGracePeriod(timings.graceMs);
    this.#idleChannels = createIdleChannels(timings.idleReleaseMs);
    this.#rebalancing = createRebalancing({
      membership: this.#membership,
      channels: () => this.#sessions.channels(),
      resting: () => restingChannels(collections, lease.id, timings.moveRestMs),
      movable: (channelIds) => this.#sessions.movable(channelIds),
      quietMs: timings.moveQuietMs,
    });
    lease.ended.addEventListener("abort", () => this.abandon(), { once: true });
    this.#loops = this.#start(signal);
  }

  /** The session of a channel that this connector owns. */
  session(channelId: string): Session | undefined {
    return this.#sessions.get(channelId);
  }

  /** Call it when a channel has a new command, this one if it is known, or a new wish. */
  ring(channelId: string, queued?: QueuedCommand): void {
    const session = this.#sessions.get(channelId);
    if (session) session.ring(queued);
    // A new channel's first command connects it.
    else void this.#attempt("acquire", () => this.#takeIfOurs(channelId, queued?.lane === 0));
  }

  /** Marks the lease as draining, so that others are preferred, then stops every session and gives its channel back. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#attempt("drain", () => this.#options.lease.drain());
    await Promise.all([this.#sessions.closeAll(release), ...this.#loops]);
  }

  /** Hangs up every session at once, without writing anything more. */
  abandon(): void {
    this.#stopping.abort();
    this.#sessions.abandon();
  }

  #start(signal: AbortSignal): Promise<void>[] {
    const { changes, collections, timings, log } = this.#options;
    listenToCommands({
      changes,
      commands: collections.commands,
      ring: (...command) => this.ring(...command),
      adopt: () => void this.#adopt(),
      reopened: () => void this.#sweep(),
      log,
      signal,
    });
    listenToOwnership({
      changes,
      freed: (channelId) => {
        this.#freed.add(channelId);
        void this.#takeFreedSoon();
      },
      membersChanged: (connectorId) => void this.#membersChanged(connectorId),
      signal,
    });
    return [
      this.#every(timings.sweepMs, signal, () => this.#sweep()),
      this.#every(timings.deadCheckMs, signal, () => this.#attempt("dead check", () => this.#checkDead())),
      this.#every(timings.deadCheckMs, signal, () => this.#attempt("grace", () => this.#takeOverdue())),
      this.#every(1_000 / timings.movesPerSecond, signal, () =>
        this.#attempt("balance", () => this.#balance()),
      ),
    ];
  }

  async #takeIfOurs(channelId: string, isNew = false): Promise<void> {
    if (await this.#membership.isOurs(channelId)) return this.#sessions.take(channelId, isNew);
    this.#gracePeriod.note(channelId, performance.now());
  }

  async #sweepAll(): Promise<void> {
    const { collections, lease } = this.#options;
    // Not awaited: adoption rings on its own and may take long, and channels without an owner must not wait for it.
    void this.#adopt();
    void this.#attempt("strays", () => refuseStrays(collections));
    await this.#membership.refresh();
    const [open, deleted] = await Promise.all([
      channelsWithCommands(collections),
      collections.channels.distinct("_id", { "owner.connector": lease.id, deletedAt: { $ne: null } }),
    ]);
    for (const channelId of open) void this.#tend(channelId, (session) => session.tidy());
    for (const channelId of deleted) void this.#tend(channelId, (session) => session.erase());
    await this.#sessions.leaveUnreadable();
    await this.#takeFree(open);
    await this.#closeIdle(new Set(open));
  }

  async #tend(channelId: string, work: (session: Session) => Promise<void>): Promise<void> {
    const session = this.#sessions.get(channelId);
    if (session) await work(session).catch((error: unknown) => session.fail(error));
  }

  /** Takes channels without an owner, and channels that are ours by their document but have no session. */
  async #takeFree(waiting: readonly string[]): Promise<void> {
    const { collections, config, lease } = this.#options;
    if (this.#sessions.load() >= config.channelsMax) return;
    // The result includes our channels, with or without a session.
    const found = await channelsWithoutOwner(collections, lease.id, freeMax + config.channelsMax, {
      waiting,
    });
    for (const { channelId, isOurs } of found) {
      if (this.#sessions.get(channelId)) continue;
      void this.#attempt("acquire", () =>
        isOurs ? this.#sessions.take(channelId) : this.#takeIfOurs(channelId),
      );
    }
  }

  /** A channel that was given back may be idle and need no owner. */
  async #takeFreed(): Promise<void> {
    const { collections, lease } = this.#options;
    const freed = [...this.#freed];
    this.#freed.clear();
    for (const { channelId } of await channelsWithoutOwner(collections, lease.id, freed.length, {
      among: freed,
    })) {
      this.ring(channelId);
    }
  }

  /** Takes channels that their preferred connector did not take in time. */
  async #takeOverdue(): Promise<void> {
    const { collections, lease } = this.#options;
    const due = this.#gracePeriod.due(performance.now());
    if (due.length === 0) return;
    for (const { channelId } of await channelsWithoutOwner(collections, lease.id, due.length, {
      among: due,
    })) {
      void this.#attempt("acquire", () => this.#sessions.takeOverdue(channelId));
    }
  }

  async #closeIdle(busy: ReadonlySet<string>): Promise<void> {
    const idle = this.#sessions.channels().filter((channelId) => {
      const machine = this.#sessions.get(channelId)?.machine();
      return machine && isIdle(machine) && !busy.has(channelId);
    });
    const due = this.#idleChannels.due(idle, performance.now());
    // At once: one after the other, hundreds of channels would hold up the next sweep.
    await Promise.all(due.map((channelId) => this.#sessions.close(channelId, release)));
  }

  async #balance(): Promise<void> {
    const channelId = await this.#rebalancing.next();
    if (!channelId || this.#stopping.signal.aborted) return;
    this.#options.log.info({ event: "balance", channelId }, "channel handed over to balance the load");
    await this.#sessions.close(channelId, handOver);
  }

  async #adoptAll(): Promise<void> {
    const { collections, config } = this.#options;
    const ring = (channelId: string) => this.ring(channelId);
    await adoptForeignCommands(collections, config.sendTtlSeconds, ring, this.#stopping.signal);
  }

  /** A connector on its own looks only after a refresh, which every sweep and every join makes. */
  async #checkDead(): Promise<void> {
    if (!this.#membership.hasOthers()) return;
    if ((await declareDead(this.#options.collections.connectors)) > 0) await this.#sweep();
  }

  async #membersChanged(connectorId: string): Promise<void> {
    const { lease } = this.#options;
    if (connectorId === lease.id) return lease.renew();
    // Refreshes first: channels that are given back from here on are judged by the new membership.
    await this.#attempt("members", () => this.#membership.refresh());
    await this.#sweep();
  }

  async #every(ms: number, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    while (!signal.aborted) {
      await work();
      await sleep(ms, signal);
    }
  }

  /** Logs a failure and goes on: the database may be unavailable, and the next attempt finds what this one missed. */
  async #attempt(event: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const level = error instanceof FencedError ? "info" : "warn";
      this.#options.log[level]({ event, ...errorTrace(error) }, "attempt failed, will be retried");
    }
  }
}
