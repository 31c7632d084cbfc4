import type { Db } from "mongodb";
import type { ChannelDocument } from "#shared/collections.ts";
import type { Config } from "#shared/config.ts";
import type { Collections } from "#shared/database.ts";
import { errorTrace } from "#shared/error-trace.ts";
import type { Logger } from "#shared/log.ts";
import { sleep } from "#shared/sleep.ts";
import type { AuthState } from "../auth/auth-state.ts";
import { createSocketCaches } from "../baileys/caches.ts";
import { settleAbandoned } from "../commands/abandoned.ts";
import { createPace } from "../concurrency/pace.ts";
import { createLine, type Line } from "../connection/line.ts";
import { unreadableLine } from "../connection/unreadable-line.ts";
import { createInbox, type Inbox } from "../inbound/inbox.ts";
import { type Beginning, beginning } from "../machine/beginning.ts";
import type { Machine, Signal } from "../machine/machine.ts";
import type { MediaFetch } from "../media/fetched-media.ts";
import { createRecipients } from "../outbound/recipients.ts";
import { createSender, type Sender, type Sending } from "../outbound/sender.ts";
import type { Fence } from "../ownership/fence.ts";
import type { Lease } from "../ownership/lease.ts";
import type { Timings } from "../timings.ts";
import { type ChannelRecord, channelRecord } from "./channel-record.ts";
import { type Control, createControl } from "./control.ts";
import { createEffects, type Effects } from "./effects.ts";
import { createErasure, type Erasure } from "./erasure.ts";
import { createIdentity, type Identity } from "./identity.ts";
import { createLife, type Life } from "./life.ts";
import { type Holdings, takeOver } from "./takeover.ts";

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
  readonly #holdings: Holdings;
  readonly #record: ChannelRecord;
  readonly #identity: Identity;
  readonly #line: Line;
  readonly #inbox: Inbox;
  readonly #beginning: Beginning;
  readonly #effects: Effects;
  readonly #life: Life;
  readonly #sender: Sender;
  readonly #erasure: Erasure;
  readonly #control: Control;
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

  private constructor(options: SessionOptions, holdings: Holdings) {
    const { collections, channel, config, timings, log } = options;
    const { auth, events, queue, messages, delivery, fence } = holdings;
    const channelId = channel._id;
    const isOwner = () => this.isOwner();
    const onError = (error: unknown) => this.fail(error);
    const signal = (signal: Signal, isCurrent?: () => boolean) => void this.#life.dispatch(signal, isCurrent);
    const caches = createSocketCaches();

    this.#options = options;
    this.#holdings = holdings;
    this.#auth = auth;
    this.#beginning = beginning(channel, this.#isLinked(), Date.now());
    this.#log = log.child({ channelId });
    this.#record = channelRecord(collections, fence);
    this.#identity = createIdentity({ channel, auth, record: this.#record });
    this.#inbox = createInbox({
      ...{ channelId, events, delivery, onError },
      record: messages,
      self: () => this.#identity.self(),
      log: this.#log,
    });
    this.#line = auth
      ? createLine({
          ...{ auth, caches, timings, isOwner, onError, signal },
          isStranger: () => this.#identity.isStranger(this.#life.machine().method),
          inbox: this.#inbox,
          ended: this.#ended.signal,
          turn: options.turn,
          whatsapp: config.whatsapp,
          getMessage: async ({ id }) => (id ? messages.sent(id) : undefined),
          log: this.#log,
        })
      : unreadableLine(signal);
    this.#effects = createEffects({
      ...{ collections, fence, auth, signal },
      db: options.db,
      line: this.#line,
      identity: this.#identity,
    });
    this.#life = createLife({
      ...{ events, onError },
      initial: this.#beginning.machine,
      lastDisconnect: channel.lastDisconnect,
      record: this.#record,
      isLinked: () => this.#isLinked(),
      isStranger: this.#identity.isStranger,
      limits: timings,
      log: this.#log,
      perform: this.#effects.perform,
      onChange: () => this.#sender.ring(),
    });
    this.#sender = createSender({
      ...{ queue, delivery, record: messages, isOwner, onError, log: this.#log },
      pace: createPace(config.sendRate, config.sendBurst),
      preparation: { caches, recipients: createRecipients(), fetchMedia: options.fetchMedia, log: this.#log },
      sending: () => this.#sending(),
      ackMs: timings.ackMs,
      signal: this.#ended.signal,
    });
    this.#erasure = createErasure({
      ...{ channelId, isOwner, life: this.#life, record: this.#record, log: this.#log },
      db: options.db,
      letGo: () => this.#letGo(),
      onEnd: options.onEnd,
    });
    this.#control = createControl({
      ...{ queue, isOwner, onError },
      life: this.#life,
      record: this.#record,
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
    return this.#holdings.fence;
  }

  /** Checked before every step that a former owner must not take. */
  isOwner(): boolean {
    return !this.#ended.signal.aborted && this.#options.lease.isValid();
  }

  /** Settles what former owners left behind, and looks for commands. */
  async tidy(): Promise<void> {
    await settleAbandoned(this.#holdings);
    this.ring();
  }

  /** Unlinks as far as WhatsApp can be reached, and removes everything. */
  async erase(): Promise<void> {
    await this.#erasure.erase();
  }

  /** Where the channel stands. */
  machine(): Machine {
    return this.#life.machine();
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
    await this.#life.dispatch({ type: "interrupt" });
    await this.#inbox.idle();
    await this.#holdings.events.flush();
    await this.#letGo();
  }

  /** The ownership is gone: hangs up at once and writes nothing more. */
  abandon(): void {
    this.#ended.abort();
    this.#effects.cancel();
    // Writes nothing that the ownership does not allow any more; it gives up what it holds.
    void this.#auth?.close();
    this.#line.terminate();
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
    await this.#line.recover();
    const { isNews, isWanted, retryInMs } = this.#beginning;
    if (isNews) await this.#life.announce();
    if (retryInMs !== null) await this.#effects.perform({ type: "schedule_retry", delayMs: retryInMs });
    if (isWanted) await this.#life.dispatch({ type: "start", method: { kind: "qr" } });
    this.ring();
  }

  /** Credentials that cannot be used are of a channel that was linked, too. */
  #isLinked(): boolean {
    return this.#auth?.linked() ?? true;
  }

  async #letGo(): Promise<void> {
    await this.#auth?.close();
    this.abandon();
  }

  #sending(): Sending {
    const { state } = this.#life.machine();
    if (state === "logged_out") return { kind: "logged_out" };
    const socket = state === "active" ? this.#line.current() : null;
    return socket ? { kind: "open", ...socket } : { kind: "closed" };
  }
}
