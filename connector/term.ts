import type { Db } from "mongodb";
import type { Config } from "../shared/config.ts";
import type { Collections } from "../shared/database.ts";
import type { Logger } from "../shared/log.ts";
import { sleep } from "../shared/sleep.ts";
import { adoptCommands } from "./adoption.ts";
import { FencedError } from "./auth/fence.ts";
import { connectBackoff } from "./backoff.ts";
import { listen } from "./doorbell.ts";
import { errorTrace } from "./error-trace.ts";
import { createFailures } from "./failures.ts";
import { declareDead, type Lease } from "./lease.ts";
import { acquire, channelsWithoutOwner, release } from "./ownership.ts";
import type { MediaFetch } from "./preparation.ts";
import { Session } from "./session.ts";
import type { Timings } from "./timings.ts";
import { createTurns } from "./turns.ts";

export interface TermOptions {
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

const stopsAtOnce = 25;

/** What a connector does with one lease: finds the channels that need an owner, and runs them. */
export class Term {
  readonly #options: TermOptions;
  readonly #sessions = new Map<string, Session>();
  /** Channels that are being taken or given back. */
  readonly #moving = new Map<string, Promise<void>>();
  readonly #rung = new Set<string>();
  readonly #failures = createFailures(connectBackoff);
  readonly #idleSince = new Map<string, number>();
  readonly #stopping = new AbortController();
  readonly #turn: () => Promise<void>;
  readonly #loops: Promise<void>[];
  #isAdopting = false;
  /** A document may have come since the adoption that runs has looked. */
  #isAdoptionDue = false;

  constructor(options: TermOptions) {
    this.#options = options;
    const { lease, timings, collections, log } = options;
    const signal = AbortSignal.any([this.#stopping.signal, lease.ended]);
    this.#turn = createTurns(timings.connectsPerSecond, signal);
    lease.ended.addEventListener("abort", () => this.abandon(), { once: true });
    this.#loops = [
      listen({
        commands: collections.commands,
        ring: (channelId) => this.ring(channelId),
        adopt: () => void this.#adopt(),
        reopened: () => void this.#look("sweep", () => this.#sweep()),
        log,
        signal,
      }),
      this.#every(timings.sweepMs, signal, "sweep", () => this.#sweep()),
      this.#every(timings.deadCheckMs, signal, "dead check", () => this.#checkDead()),
    ];
  }

  /** A channel has a new command, or is wanted to be connected. */
  ring(channelId: string): void {
    const session = this.#sessions.get(channelId);
    if (session) session.ring();
    else void this.#look("acquire", () => this.#own(channelId));
  }

  /** Stops every session politely and gives its channel back, and then the lease's right to take others. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    const draining = this.#look("drain", () => this.#options.lease.drain());
    await Promise.all([draining, ...this.#loops, ...this.#moving.values()]);
    // All finish beside each other, since that is mostly waiting; hanging up is work, so a few at a time.
    await Promise.all([...this.#sessions.values()].map((session) => session.finish()));
    const left = [...this.#sessions.keys()];
    const stopNext = async (): Promise<void> => {
      for (let channelId = left.pop(); channelId; channelId = left.pop()) await this.#letGo(channelId);
    };
    await Promise.all(Array.from({ length: stopsAtOnce }, stopNext));
  }

  /** Hangs every session up at once; nothing more is written. */
  abandon(): void {
    this.#stopping.abort();
    for (const session of this.#sessions.values()) session.abandon();
    this.#sessions.clear();
  }

  async #own(channelId: string): Promise<void> {
    const isFull = this.#sessions.size + this.#moving.size >= this.#options.config.channelsMax;
    if (isFull || this.#stopping.signal.aborted || !this.#failures.mayTry(channelId)) return;
    await this.#move(channelId, () => this.#open(channelId));
  }

  /** One move of a channel at a time; who rings while it moves is heard afterwards. */
  async #move(channelId: string, work: () => Promise<void>): Promise<void> {
    if (this.#moving.has(channelId)) return void this.#rung.add(channelId);
    const moving = work().finally(() => {
      this.#moving.delete(channelId);
      if (this.#rung.delete(channelId)) this.ring(channelId);
    });
    this.#moving.set(
      channelId,
      moving.catch(() => undefined),
    );
    await moving;
  }

  async #open(channelId: string): Promise<void> {
    const { collections, lease } = this.#options;
    const channel = await acquire(collections, channelId, lease.id);
    if (!channel || !lease.isValid()) return;
    const session = await Session.open({
      ...this.#options,
      channel,
      turn: this.#turn,
      onEnd: (hasFailed) => {
        this.#sessions.delete(channelId);
        if (hasFailed) this.#failures.count(channelId);
      },
    });
    if (!session.isOwner()) return session.abandon();
    this.#sessions.set(channelId, session);
    // What came between the takeover's look and now was rung at nobody.
    session.ring();
  }

  async #letGo(channelId: string): Promise<void> {
    const session = this.#sessions.get(channelId);
    if (!session) return;
    this.#sessions.delete(channelId);
    await this.#move(channelId, () => this.#close(channelId, session));
  }

  async #close(channelId: string, session: Session): Promise<void> {
    const { collections, lease, log } = this.#options;
    try {
      await session.stop();
      await release(collections, session.fence, lease.id);
    } catch (error) {
      session.abandon();
      log.warn({ event: "stop", channelId, ...errorTrace(error) }, "channel not given back in order");
    }
  }

  async #sweep(): Promise<void> {
    const { collections, config } = this.#options;
    await this.#adopt();
    const owned = [...this.#sessions.keys()];
    const [open, deleted] = await Promise.all([
      collections.commands.distinct("channelId", {
        channelId: { $in: owned },
        state: { $in: ["queued", "running"] },
      }),
      collections.channels.distinct("_id", { _id: { $in: owned }, deletedAt: { $ne: null } }),
    ]);
    for (const channelId of open) void this.#tend(channelId, (session) => session.tidy());
    for (const channelId of deleted) void this.#tend(channelId, (session) => session.erase());
    const free = config.channelsMax - this.#sessions.size;
    for (const channelId of await this.#withoutSession(free)) this.ring(channelId);
    await this.#letIdleGo(new Set(open));
  }

  async #tend(channelId: string, work: (session: Session) => Promise<void>): Promise<void> {
    const session = this.#sessions.get(channelId);
    if (session) await work(session).catch((error: unknown) => session.fail(error));
  }

  /** Channels that need an owner: nobody's, or ours by the document while no session runs. */
  async #withoutSession(limit: number): Promise<string[]> {
    if (limit <= 0) return [];
    const { collections, lease } = this.#options;
    const found = await channelsWithoutOwner(collections, lease.id, limit + this.#sessions.size);
    return found.filter((channelId) => !this.#sessions.has(channelId)).slice(0, limit);
  }

  async #letIdleGo(busy: ReadonlySet<string>): Promise<void> {
    const now = performance.now();
    for (const [channelId, session] of this.#sessions) {
      if (!session.isIdle() || busy.has(channelId)) this.#idleSince.delete(channelId);
      else if (!this.#idleSince.has(channelId)) this.#idleSince.set(channelId, now);
    }
    for (const [channelId, since] of this.#idleSince) {
      if (now - since < this.#options.timings.idleReleaseMs) continue;
      this.#idleSince.delete(channelId);
      await this.#letGo(channelId);
    }
  }

  async #adopt(): Promise<void> {
    this.#isAdoptionDue = true;
    if (this.#isAdopting) return;
    this.#isAdopting = true;
    try {
      const { collections, config } = this.#options;
      while (this.#isAdoptionDue) {
        this.#isAdoptionDue = false;
        for (const channelId of await adoptCommands(collections, config.sendTtlSeconds)) this.ring(channelId);
      }
    } catch (error) {
      this.#options.log.warn({ event: "adopt", ...errorTrace(error) }, "commands not adopted");
    } finally {
      this.#isAdopting = false;
    }
  }

  async #checkDead(): Promise<void> {
    if ((await declareDead(this.#options.collections.connectors)) > 0) await this.#sweep();
  }

  async #every(ms: number, signal: AbortSignal, what: string, work: () => Promise<void>): Promise<void> {
    while (!signal.aborted) {
      await this.#look(what, work);
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
