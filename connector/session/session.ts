/** Runs one owned channel: takes it over, drives its state machine, carries out its control commands, and gives it back. */

import type { QueuedCommand } from "#shared/changes.ts";
import type { CommandDocument } from "#shared/collections.ts";
import type { Config } from "#shared/config.ts";
import { errorTrace } from "#shared/error-trace.ts";
import type { DirectInsertion, DirectOptions, OwnedChannel } from "#shared/local-connector.ts";
import type { Logger } from "#shared/log.ts";
import { sleep } from "#shared/sleep.ts";
import { rescueOrphans } from "../commands/rescue-orphans.ts";
import { type MachineState, publicStatus } from "../machine/machine.ts";
import type { ConnectorLease } from "../ownership/connector-lease.ts";
import { dateOf, type Fence } from "../ownership/fence.ts";
import type { SessionScope } from "../session-scope.ts";
import { assembleSession, type SessionParts, type SessionPartsOptions } from "./assemble-session.ts";
import { type ChannelStores, type TakeoverOptions, takeOver } from "./takeover.ts";

export interface SessionOptions
  extends Omit<SessionPartsOptions, "release" | "config" | "changes">,
    Pick<TakeoverOptions, "canOthersOpen" | "isSharedKey" | "commandWrites" | "changes"> {
  lease: Pick<ConnectorLease, "id" | "isValid" | "ended" | "now">;
  config: SessionPartsOptions["config"] & Pick<Config, "encryptionKeys">;
  log: Logger;
}

/** A channel inside the connector that owns it, connected or not. */
export class Session {
  readonly #options: SessionOptions;
  readonly #stores: ChannelStores;
  readonly #scope: SessionScope;
  readonly #parts: SessionParts;
  readonly #ended = new AbortController();
  #finishing: Promise<void> | null = null;

  /**
   * Takes the channel over and connects it if it is wished to be connected. Ring it then: commands may wait. Throws `FencedError`,
   * or the database's error.
   */
  static async open(options: SessionOptions): Promise<Session> {
    let session: Session | null = null;
    let lost: Error | null = null;
    const onLost = (error: Error) => {
      lost ??= error;
      session?.fail(error);
    };
    const stores = await takeOver({ ...options, onLost });
    session = new Session(options, stores);
    if (lost) session.fail(lost);
    else await session.#beginOrAbandon();
    return session;
  }

  private constructor(options: SessionOptions, stores: ChannelStores) {
    const channelId = options.channel._id;
    this.#options = options;
    this.#stores = stores;
    this.#scope = {
      channelId,
      ended: this.#ended.signal,
      now: options.lease.now,
      isOwner: () => this.isOwner(),
      fail: (error) => this.fail(error),
      log: options.log.child({ channelId }),
    };
    const release = () => this.#release();
    this.#parts = assembleSession(this.#scope, stores, { ...options, release });
  }

  /** Whether the channel's credentials cannot be read here. */
  get isUnreadable(): boolean {
    return this.#stores.auth === null;
  }

  /** Call it when this command was queued, or without one when there may be any. */
  ring(queued?: QueuedCommand): void {
    const lane = queued?.lane;
    if (lane === undefined || lane === 0) this.#parts.controlLane.ring(queued?.commandId);
    if (lane !== 0) this.#parts.sender.ring(queued);
  }

  /** The state of the channel for callers; null when it is not owned any more, or may be about to be deleted. */
  owned(): OwnedChannel | null {
    const { controlLane, erasure, sender } = this.#parts;
    const isDeleted = this.#options.channel.deletedAt !== null || erasure.hasBegun();
    if (!this.isOwner() || isDeleted || !controlLane.isIdle()) return null;
    const { channelId } = this.#scope;
    const status = publicStatus(this.machine());
    const look = sender.look();
    return { channel: { channelId, status }, now: dateOf(this.fence), isOwned: true, ...(look && { look }) };
  }

  /** As `LocalConnector.insertClaimed`. */
  insertClaimed(command: CommandDocument, direct: DirectOptions): Promise<DirectInsertion> | null {
    return this.#parts.sender.insertClaimed(command, direct);
  }

  get fence(): Fence {
    return this.#stores.fence;
  }

  /** Checked before every step that a former owner must not take. */
  isOwner(): boolean {
    return !this.#ended.signal.aborted && this.#options.lease.isValid();
  }

  /** Rescues the orphans of former owners, then rings. */
  async tidy(): Promise<void> {
    await rescueOrphans(this.#stores);
    this.ring();
  }

  /** Starts to erase the channel, or removes what was added to it since. */
  async erase(): Promise<void> {
    await this.#parts.erasure.tidy();
  }

  /** The state of the channel's machine. */
  machine(): MachineState {
    return this.#parts.machineRunner.machine();
  }

  /** Claims no more commands. Resolves when the running ones are done, or their time is up. */
  finish(): Promise<void> {
    const { controlLane, sender } = this.#parts;
    this.#finishing ??= Promise.race([
      Promise.all([controlLane.stop(), sender.stop()]).then(() => undefined),
      sleep(this.#options.timings.finishMs, this.#ended.signal),
    ]);
    return this.#finishing;
  }

  /** Finishes and hangs up. Resolves when everything is written. */
  async stop(): Promise<void> {
    await this.finish();
    await this.#parts.machineRunner.dispatch({ type: "interrupt" });
    await this.#parts.inbox.idle();
    await this.#stores.events.flush();
    await this.#stores.messageStatuses.flush();
    await this.#release();
  }

  /** Hangs up at once; afterwards the session writes only what the ownership still allows. */
  abandon(): void {
    this.#ended.abort();
    this.#parts.effects.cancel();
    // Releases the database session.
    void this.#stores.auth?.close();
    this.#parts.connection.terminate();
  }

  /** Ends the session: a write failed for good, or the ownership was lost. */
  fail(error: unknown): void {
    if (this.#ended.signal.aborted) return;
    this.#scope.log.error({ event: "session_failed", ...errorTrace(error) }, "session ended");
    this.abandon();
    this.#options.onEnd(true);
  }

  async #beginOrAbandon(): Promise<void> {
    try {
      await this.#begin();
    } catch (error) {
      this.abandon();
      throw error;
    }
  }

  async #begin(): Promise<void> {
    const { channel } = this.#options;
    const { connection, machineRunner, effects, controlLane, initial } = this.#parts;
    const { mustAnnounce, mustConnect, retryInMs } = initial;
    if (retryInMs !== null) await effects.perform({ type: "schedule_retry", delayMs: retryInMs });
    if (channel.deletedAt) return this.erase();
    await connection.recover();
    if (mustAnnounce) await machineRunner.announce();
    // The command may ask for a pairing code: the wish alone would show a QR until it is claimed.
    const isLeftToCommand = mustConnect && !this.#stores.auth?.linked() && (await this.#findPairing());
    if (mustConnect && !isLeftToCommand)
      await machineRunner.dispatch({ type: "start", method: { kind: "qr" } });
    if (isLeftToCommand) controlLane.ring();
  }

  /** Whether a command links the channel. Dials meanwhile: for a QR and for a code, the socket is the same. */
  async #findPairing(): Promise<boolean> {
    const { connection, controlLane } = this.#parts;
    const hangUp = connection.prepare();
    const { isPairing, done } = await controlLane.claimFirst();
    // The command may be refused.
    if (isPairing) void done.then(hangUp);
    return isPairing;
  }

  async #release(): Promise<void> {
    await this.#stores.auth?.close();
    this.abandon();
  }
}
