import pLimit from "p-limit";
import type { ChannelDocument } from "#shared/collections.ts";
import type { Collections } from "#shared/database.ts";
import { isUnavailable } from "#shared/database-errors.ts";
import { errorTrace } from "#shared/error-trace.ts";
import type { Logger } from "#shared/log.ts";
import { prepareCreds } from "./auth/spare-creds.ts";
import { type CommandWrites, createCommandWrites } from "./commands/command-writes.ts";
import type { ConnectTurns } from "./connect-turns.ts";
import { isMovable } from "./machine/machine.ts";
import type { ConnectorLease } from "./ownership/connector-lease.ts";
import { type Fence, FencedError } from "./ownership/fence.ts";
import type { Membership, Openers } from "./ownership/membership.ts";
import { openersByChannel } from "./ownership/openers.ts";
import { acquire, acquireNew, leaveUnopened } from "./ownership/ownership.ts";
import { createRestartBackoff } from "./restart-backoff.ts";
import { Session, type SessionOptions } from "./session/session.ts";
import { LeftToOthersError } from "./session/takeover.ts";
import { connectBackoff } from "./timings.ts";

type Shared = Omit<SessionOptions, "channel" | "lease" | "turn" | "onEnd" | "canOthersOpen">;

export interface SessionsOptions extends Shared {
  collections: Collections;
  lease: ConnectorLease;
  channelsMax: number;
  turns: ConnectTurns;
  membership: Pick<Membership, "openers" | "ids">;
  /** Called for a free channel that another connector should take, or that no living one can open. */
  leave(channelId: string): void;
  /** Rings a channel that was rung while it moved, or whose session failed and may be opened again. */
  ring(channelId: string): void;
  log: Logger;
}

/** A channel to take, as far as it is known. */
interface Taking {
  isOverdue?: boolean;
  /** A guess. */
  isNew?: boolean;
}

/** `release` or `handOver`. */
export type GiveBack = (db: Collections, fence: Fence, connectorId: string) => Promise<void>;

const stopsAtOnce = 25;
/** After so many failed takeovers in a row, a channel is left to another connector. */
const takeoversMax = 3;

/** Opens, moves and closes the sessions of this connector. */
export class Sessions {
  readonly #options: SessionsOptions;
  readonly #sessions = new Map<string, Session>();
  /** Channels that are being taken over or given back. */
  readonly #moving = new Map<string, Promise<void>>();
  readonly #rung = new Set<string>();
  readonly #restartBackoff = createRestartBackoff(connectBackoff);
  readonly #closeSlots = pLimit(stopsAtOnce);
  readonly #commandWrites: CommandWrites;
  readonly #openersOf: (channelId: string) => Promise<Openers>;
  #isClosed = false;

  constructor(options: SessionsOptions) {
    this.#options = options;
    this.#commandWrites = createCommandWrites(options.collections.commands);
    this.#openersOf = openersByChannel(options.membership);
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

  /**
   * Takes a channel over if it is free, this connector can open it, and there is room. `isNew`: it probably never had an owner.
   * Throws `FencedError`, or the database's error.
   */
  take(channelId: string, isNew = false): Promise<void> {
    return this.#take(channelId, { isNew });
  }

  /** As `take`, for a channel that has been left to others for long enough: takes also what nobody living can open. */
  takeOverdue(channelId: string): Promise<void> {
    return this.#take(channelId, { isOverdue: true });
  }

  async #take(channelId: string, taking: Taking): Promise<void> {
    const isFull = this.load() >= this.#options.channelsMax;
    if (this.#isClosed || isFull || this.#sessions.has(channelId)) return;
    if (!this.#restartBackoff.mayTry(channelId)) return;
    await this.#move(channelId, () => this.#open(channelId, taking));
  }

  /** Gives back what this connector cannot open, once another living one can. */
  async leaveUnreadable(): Promise<void> {
    const unreadable = [...this.#sessions].filter(([, session]) => session.isUnreadable);
    if (unreadable.length === 0) return;
    const openers = await this.#options.membership.openers(unreadable.map(([channelId]) => channelId));
    const others = unreadable.filter(([channelId]) => openers.get(channelId)?.others);
    await Promise.all(others.map(([channelId]) => this.close(channelId, this.#leaveUnopened)));
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
    await Promise.all([...[...this.#sessions].map(leave), ...this.#moving.values()]);
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

  async #open(channelId: string, { isOverdue = false, isNew = false }: Taking): Promise<void> {
    const { collections, lease } = this.#options;
    let formerOwner: string | null = null;
    const mayTake = (found: ChannelDocument) => {
      formerOwner = found.owner.connector;
      return this.#mayTake(found, isOverdue);
    };
    // Nothing of it is sealed, and nobody has it: there is nothing to look at before.
    const acquiring = isNew ? acquireNew(collections, channelId, lease.id) : null;
    if (isNew) prepareCreds();
    const found = await acquiring;
    const channel = found ?? (await acquire(collections, channelId, lease.id, mayTake));
    if (!channel || !lease.isValid()) return;
    const session = await this.#openSession(channel, formerOwner);
    if (!session?.isOwner()) return session?.abandon();
    this.#sessions.set(channelId, session);
    // Commands inserted since the takeover's query rang before this session existed.
    session.ring();
  }

  async #mayTake({ _id, owner }: ChannelDocument, isOverdue: boolean): Promise<boolean> {
    const { collections, lease, leave } = this.#options;
    // Never owned, so nothing is sealed.
    if (owner.epoch === 0) return true;
    const { us, others } = await this.#openersOf(_id);
    if (us || (!others && isOverdue)) return true;
    leave(_id);
    // Its session failed here; the others take no channel that a living connector owns.
    if (owner.connector === lease.id)
      await this.#leaveUnopened(collections, { channelId: _id, epoch: owner.epoch }, lease.id);
    return false;
  }

  /** Resolves to null when the channel is left to another connector. */
  async #openSession(channel: ChannelDocument, formerOwner: string | null): Promise<Session | null> {
    const { lease, turns } = this.#options;
    const { _id: channelId, owner } = channel;
    const fence = { channelId, epoch: owner.epoch };
    try {
      return await Session.open({
        ...this.#options,
        commandWrites: this.#commandWrites,
        channel,
        turn: turns.of(formerOwner),
        canOthersOpen: async () => (await this.#openersOf(channelId)).others,
        onEnd: (hasFailed) => {
          this.#sessions.delete(channelId);
          if (hasFailed) this.#ringAfterPause(channelId);
        },
      });
    } catch (error) {
      if (!lease.isValid()) throw error;
      if (error instanceof LeftToOthersError) {
        await this.#leaveUnopened(this.#options.collections, fence, lease.id);
        return null;
      }
      // An unavailable database says nothing of the channel.
      if (error instanceof FencedError || isUnavailable(error)) throw error;
      const failures = this.#ringAfterPause(channelId);
      if (failures >= takeoversMax && (await this.#openersOf(channelId)).others)
        await this.#leaveUnopened(this.#options.collections, fence, lease.id);
      throw error;
    }
  }

  readonly #leaveUnopened: GiveBack = async (db, fence, connectorId) => {
    const { membership, log } = this.#options;
    const { channelId } = fence;
    log.warn(
      { event: "unopened", channelId },
      "channel cannot be opened here and is left to another connector",
    );
    await leaveUnopened(db, fence, connectorId, membership.ids());
  };

  /** Does not wait for the sweep: the cause may pass within a moment. Returns the number of failures in a row. */
  #ringAfterPause(channelId: string): number {
    const { pauseMs, count } = this.#restartBackoff.recordFailure(channelId);
    // A timer may be early by a fraction of a millisecond.
    setTimeout(() => this.#options.ring(channelId), pauseMs + 1).unref();
    return count;
  }

  async #closeSession(session: Session, giveBack: GiveBack): Promise<void> {
    const { collections, lease, log } = this.#options;
    const { fence } = session;
    try {
      await session.stop();
      await giveBack(collections, fence, lease.id);
    } catch (error) {
      session.abandon();
      log.warn(
        { event: "stop", channelId: fence.channelId, ...errorTrace(error) },
        "session not stopped gracefully, channel left to the sweep",
      );
    }
  }
}
