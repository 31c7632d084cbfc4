import pLimit from "p-limit";
import type { Collections } from "#shared/database.ts";
import { errorTrace } from "#shared/error-trace.ts";
import type { Logger } from "#shared/log.ts";
import { isMovable } from "./machine/machine.ts";
import type { ConnectorLease } from "./ownership/connector-lease.ts";
import type { Fence } from "./ownership/fence.ts";
import { acquire } from "./ownership/ownership.ts";
import { createRestartBackoff } from "./restart-backoff.ts";
import { Session, type SessionOptions } from "./session/session.ts";
import { connectBackoff } from "./timings.ts";

type Shared = Omit<SessionOptions, "channel" | "lease" | "onEnd">;

export interface SessionsOptions extends Shared {
  collections: Collections;
  lease: ConnectorLease;
  channelsMax: number;
  /** Rings a channel that was rung while it moved, or whose session failed and may be opened again. */
  ring(channelId: string): void;
  log: Logger;
}

/** `release` or `handOver`. */
export type GiveBack = (db: Collections, fence: Fence, connectorId: string) => Promise<void>;

const stopsAtOnce = 25;

/** Opens, moves and closes the sessions of this connector. */
export class Sessions {
  readonly #options: SessionsOptions;
  readonly #sessions = new Map<string, Session>();
  /** Channels that are being taken over or given back. */
  readonly #moving = new Map<string, Promise<void>>();
  readonly #rung = new Set<string>();
  readonly #restartBackoff = createRestartBackoff(connectBackoff);
  readonly #closeSlots = pLimit(stopsAtOnce);
  #isClosed = false;

  constructor(options: SessionsOptions) {
    this.#options = options;
  }

  get(channelId: string): Session | undefined {
    return this.#sessions.get(channelId);
  }

  channels(): string[] {
    return [...this.#sessions.keys()];
  }

  /** How many channels this connector has, is taking over or is giving back. */
  load(): number {
    return this.#sessions.size + this.#moving.size;
  }

  /** The channels among these that may be interrupted: active, and with no running command. */
  async movable(channelIds: readonly string[]): Promise<string[]> {
    const active = channelIds.filter((channelId) => {
      const session = this.#sessions.get(channelId);
      return session && isMovable(session.machine());
    });
    const running = { channelId: { $in: active }, state: "running" as const };
    const busy = new Set(await this.#options.collections.commands.distinct("channelId", running));
    return active.filter((channelId) => !busy.has(channelId));
  }

  /** Takes a channel over if it is free and there is room. Throws `FencedError`, or the database's error. */
  async take(channelId: string): Promise<void> {
    const isFull = this.load() >= this.#options.channelsMax;
    if (this.#isClosed || isFull || this.#sessions.has(channelId)) return;
    if (this.#restartBackoff.mayTry(channelId)) await this.#move(channelId, () => this.#open(channelId));
  }

  /** Stops a session gracefully, and gives its channel back. */
  async close(channelId: string, giveBack: GiveBack): Promise<void> {
    await this.#moving.get(channelId);
    const session = this.#sessions.get(channelId);
    if (!session) return;
    this.#sessions.delete(channelId);
    await this.#move(channelId, () => this.#closeSession(session, giveBack));
  }

  /** Gives each channel back as soon as it has finished, so that a channel with a slow send delays no other. */
  async closeAll(giveBack: GiveBack): Promise<void> {
    this.#isClosed = true;
    const leave = async ([channelId, session]: [string, Session]) => {
      // Finishing is mostly waiting, so all sessions do it at once. Hanging up is work, so a few at a time.
      await session.finish();
      await this.#closeSlots(() => this.close(channelId, giveBack));
    };
    const leaving = [...this.#sessions].map(leave);
    await Promise.all([...leaving, ...this.#moving.values()]);
    // Channels whose takeover completed meanwhile.
    await Promise.all([...this.#sessions].map(leave));
  }

  /** Hangs up every session at once, without writing anything more. */
  abandon(): void {
    this.#isClosed = true;
    for (const session of this.#sessions.values()) session.abandon();
    this.#sessions.clear();
  }

  /** Moves a channel, one move at a time. A ring during the move is repeated after it. */
  async #move(channelId: string, work: () => Promise<void>): Promise<void> {
    if (this.#moving.has(channelId)) return void this.#rung.add(channelId);
    const moving = work().finally(() => {
      this.#moving.delete(channelId);
      if (this.#rung.delete(channelId)) this.#options.ring(channelId);
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
      onEnd: (hasFailed) => {
        this.#sessions.delete(channelId);
        if (hasFailed) this.#ringAfterPause(channelId);
      },
    });
    if (!session.isOwner()) return session.abandon();
    this.#sessions.set(channelId, session);
    // Commands inserted since the takeover's query rang before this session existed.
    session.ring();
  }

  /** Does not wait for the sweep: the cause of the failure may pass within a moment. */
  #ringAfterPause(channelId: string): void {
    // A timer may be early by a fraction of a millisecond.
    const pauseMs = this.#restartBackoff.recordFailure(channelId) + 1;
    setTimeout(() => this.#options.ring(channelId), pauseMs).unref();
  }

  async #closeSession(session: Session, giveBack: GiveBack): Promise<void> {
    const { collections, lease, log } = this.#options;
    const { fence } = session;
    try {
      await session.stop();
      await giveBack(collections, fence, lease.id);
    } catch (error) {
      session.abandon();
      const trace = errorTrace(error);
      log.warn(
        { event: "stop", channelId: fence.channelId, ...trace },
        "session not stopped gracefully, channel left to the sweep",
      );
    }
  }
}
