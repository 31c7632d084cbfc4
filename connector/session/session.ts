import type { Db } from "mongodb";
import type { ChannelDocument } from "#shared/collections.ts";
import type { Config } from "#shared/config.ts";
import type { Collections } from "#shared/database.ts";
import { errorTrace } from "#shared/error-trace.ts";
import type { Logger } from "#shared/log.ts";
import { sleep } from "#shared/sleep.ts";
import type { AuthState } from "../auth/auth-state.ts";
import { createSocketCaches } from "../baileys/socket-caches.ts";
import { rescueOrphans } from "../commands/rescue-orphans.ts";
import { createTokenBucket } from "../concurrency/token-bucket.ts";
import { type Connection, createConnection } from "../connection/connection.ts";
import { unusableConnection } from "../connection/unusable-connection.ts";
import { createInbox, type Inbox } from "../inbound/inbox.ts";
import { type InitialState, initialState } from "../machine/initial-state.ts";
import type { MachineState, Signal } from "../machine/machine.ts";
import type { MediaFetch } from "../media/fetched-media.ts";
import { createRecipientCheck } from "../outbound/recipient-check.ts";
import { createSender, type Sender, type Sending } from "../outbound/sender.ts";
import type { Fence } from "../ownership/fence.ts";
import type { Lease } from "../ownership/lease.ts";
import type { Timings } from "../timings.ts";
import { type ChannelStore, createChannelStore } from "./channel-store.ts";
import { type ControlLane, createControlLane } from "./control-lane.ts";
import { createEffects, type Effects } from "./effects.ts";
import { createErasure, type Erasure } from "./erasure.ts";
import { createLinkedAccount, type LinkedAccount } from "./linked-account.ts";
import { createMachineRunner, type MachineRunner } from "./machine-runner.ts";
import { type ChannelStores, takeOver } from "./takeover.ts";

export interface SessionOptions {
  db: Db;
  collections: Collections;
  /** As acquired: `owner` is ours. */
  channel: ChannelDocument;
  lease: Pick<Lease, "id" | "isValid" | "ended">;
  config: Pick<Config, "encryptionKeys" | "sendRate" | "sendBurst" | "whatsapp">;
  timings: Timings;
  fetchMedia: MediaFetch;
  /** Resolves when one more connection may be opened. */
  turn(): Promise<void>;
  /** The session is over and has hung up: it failed, or its channel was erased. */
  onEnd(hasFailed: boolean): void;
  log: Logger;
}

/** A channel inside the connector that owns it, connected or not. */
export class Session {
  readonly #options: SessionOptions;
  readonly #auth: AuthState | null;
  readonly #stores: ChannelStores;
  readonly #channelStore: ChannelStore;
  readonly #linkedAccount: LinkedAccount;
  readonly #connection: Connection;
  readonly #inbox: Inbox;
  readonly #initialState: InitialState;
  readonly #effects: Effects;
  readonly #machineRunner: MachineRunner;
  readonly #sender: Sender;
  readonly #erasure: Erasure;
  readonly #control: ControlLane;
  readonly #log: Logger;
  readonly #ended = new AbortController();
  #finishing: Promise<void> | null = null;

  /** Takes the channel over and brings it to where it is wanted. Throws `FencedError`, or the database's error. */
  static async open(options: SessionOptions): Promise<Session> {
    let session: Session | null = null;
    const holdings = await takeOver({ ...options, onLost: (error) => session?.fail(error) });
    session = new Session(options, holdings);
    await session.#begin();
    return session;
  }

  private constructor(options: SessionOptions, holdings: ChannelStores) {
    const { collections, channel, config, timings, log } = options;
    const { auth, events, queue, messageStore, messageStatuses, fence } = holdings;
    const channelId = channel._id;
    const isOwner = () => this.isOwner();
    const onError = (error: unknown) => this.fail(error);
    const signal = (signal: Signal, isCurrent?: () => boolean) =>
      void this.#machineRunner.dispatch(signal, isCurrent);
    const caches = createSocketCaches();

    this.#options = options;
    this.#stores = holdings;
    this.#auth = auth;
    this.#initialState = initialState(channel, this.#isLinked(), Date.now());
    this.#log = log.child({ channelId });
    this.#channelStore = createChannelStore(collections, fence);
    this.#linkedAccount = createLinkedAccount({ channel, auth, channelStore: this.#channelStore });
    this.#inbox = createInbox({
      ...{ channelId, events, messageStatuses, onError },
      messageStore: messageStore,
      ownJid: () => this.#linkedAccount.ownJid(),
      log: this.#log,
    });
    this.#connection = auth
      ? createConnection({
          ...{ auth, caches, timings, isOwner, onError, signal },
          isWrongAccount: () => this.#linkedAccount.isWrongAccount(this.#machineRunner.machine().method),
          inbox: this.#inbox,
          ended: this.#ended.signal,
          turn: options.turn,
          whatsapp: config.whatsapp,
          getMessage: async ({ id }) => (id ? messageStore.sent(id) : undefined),
          log: this.#log,
        })
      : unusableConnection(signal);
    this.#effects = createEffects({
      ...{ collections, fence, auth, signal },
      db: options.db,
      connection: this.#connection,
      linkedAccount: this.#linkedAccount,
    });
    this.#machineRunner = createMachineRunner({
      ...{ events, onError },
      initial: this.#initialState.machine,
      lastDisconnect: channel.lastDisconnect,
      channelStore: this.#channelStore,
      isLinked: () => this.#isLinked(),
      isWrongAccount: this.#linkedAccount.isWrongAccount,
      limits: timings,
      log: this.#log,
      perform: this.#effects.perform,
      onChange: () => this.#sender.ring(),
    });
    this.#sender = createSender({
      ...{ queue, messageStatuses, messageStore: messageStore, isOwner, onError, log: this.#log },
      bucket: createTokenBucket(config.sendRate, config.sendBurst),
      preparation: {
        caches,
        recipientCheck: createRecipientCheck(),
        fetchMedia: options.fetchMedia,
        log: this.#log,
      },
      sending: () => this.#sending(),
      ackMs: timings.ackMs,
      signal: this.#ended.signal,
    });
    this.#erasure = createErasure({
      ...{
        channelId,
        isOwner,
        machineRunner: this.#machineRunner,
        channelStore: this.#channelStore,
        log: this.#log,
      },
      db: options.db,
      release: () => this.#release(),
      onEnd: options.onEnd,
    });
    this.#control = createControlLane({
      ...{ queue, isOwner, onError },
      machineRunner: this.#machineRunner,
      channelStore: this.#channelStore,
      db: collections,
      isLinked: () => this.#isLinked(),
      erase: this.#erasure.erase,
    });
  }

  /** There may be commands. */
  ring(): void {
    this.#control.ring();
    this.#sender.ring();
  }

  get fence(): Fence {
    return this.#stores.fence;
  }

  /** Checked before every step that a former owner must not take. */
  isOwner(): boolean {
    return !this.#ended.signal.aborted && this.#options.lease.isValid();
  }

  /** Settles what former owners left behind, and looks for commands. */
  async tidy(): Promise<void> {
    await rescueOrphans(this.#stores);
    this.ring();
  }

  /** Unlinks as far as WhatsApp can be reached, and removes everything. */
  async erase(): Promise<void> {
    await this.#erasure.erase();
  }

  /** Where the channel stands. */
  machine(): MachineState {
    return this.#machineRunner.machine();
  }

  /** Claims nothing more, and resolves when what runs is done, or was given time enough. */
  finish(): Promise<void> {
    this.#finishing ??= Promise.race([
      Promise.all([this.#control.stop(), this.#sender.stop()]).then(() => undefined),
      sleep(this.#options.timings.finishMs, this.#ended.signal),
    ]);
    return this.#finishing;
  }

  /** Finishes, hangs up, and resolves when everything is written. */
  async stop(): Promise<void> {
    await this.finish();
    await this.#machineRunner.dispatch({ type: "interrupt" });
    await this.#inbox.idle();
    await this.#stores.events.flush();
    await this.#release();
  }

  /** The ownership is gone: hangs up at once and writes nothing more. */
  abandon(): void {
    this.#ended.abort();
    this.#effects.cancel();
    // Writes nothing that the ownership does not allow any more; it gives up what it holds.
    void this.#auth?.close();
    this.#connection.terminate();
  }

  /** A write failed for good, or the ownership was lost: nothing more may be done here. */
  fail(error: unknown): void {
    if (this.#ended.signal.aborted) return;
    this.#log.error({ event: "session_failed", ...errorTrace(error) }, "session ended");
    this.abandon();
    this.#options.onEnd(true);
  }

  async #begin(): Promise<void> {
    const { channel } = this.#options;
    if (channel.deletedAt) return void this.erase().catch((error: unknown) => this.fail(error));
    await this.#connection.recover();
    const { mustAnnounce, mustConnect, retryInMs } = this.#initialState;
    if (mustAnnounce) await this.#machineRunner.announce();
    if (retryInMs !== null) await this.#effects.perform({ type: "schedule_retry", delayMs: retryInMs });
    if (mustConnect) await this.#machineRunner.dispatch({ type: "start", method: { kind: "qr" } });
    this.ring();
  }

  /** Credentials that cannot be used are of a channel that was linked, too. */
  #isLinked(): boolean {
    return this.#auth?.linked() ?? true;
  }

  async #release(): Promise<void> {
    await this.#auth?.close();
    this.abandon();
  }

  #sending(): Sending {
    const { state } = this.#machineRunner.machine();
    if (state === "logged_out") return { kind: "logged_out" };
    const socket = state === "active" ? this.#connection.current() : null;
    return socket ? { kind: "open", ...socket } : { kind: "closed" };
  }
}
