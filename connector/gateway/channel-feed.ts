import type { ShownPairing } from "#shared/changes.ts";
import type { EventDocument } from "#shared/collections.ts";
import type { Collections } from "#shared/database.ts";
import { errorTrace } from "#shared/error-trace.ts";
import { fillPage } from "#shared/event-rows.ts";
import type { Logger } from "#shared/log.ts";
import { singleFlight } from "../concurrency/single-flight.ts";
import { logNotice, type Notice } from "./notice.ts";
import { presentChannel, type SweptChannel } from "./present-channel.ts";
import { ReplayBuffer } from "./replay-buffer.ts";
import { pairingNotice } from "./snapshot.ts";

/** The database that a feed reads, and its output. */
export interface FeedSource {
  db: Pick<Collections, "events" | "channels">;
  /** Sends a notice to the sockets in its room. */
  broadcast: (channelId: string, notice: Notice) => void;
  log: Logger;
}

/** An event that the log has; `row` returns null if it has to be read from there. */
export interface OfferedEvent {
  seq: number;
  row(): EventDocument | null;
}

const pageRows = 200;
const majority = { readConcern: { level: "majority" } } as const;

/**
 * Broadcasts one channel's events in this process: each once, in the order of `seq`, to every room at the same moment.
 * So a socket that joins in the same turn as it reads `seq` has neither a gap nor a duplicate. A notification is
 * only a hint: when an event does not follow on from `seq`, the feed reads the log.
 */
export class ChannelFeed {
  readonly channelId: string;
  /** Rejects if the log could not be read. Nothing is broadcast before it resolves. */
  readonly ready: Promise<void>;
  readonly #source: FeedSource;
  readonly #buffers = new Set<ReplayBuffer>();
  #seq: number | null = null;
  #mustReadLog = false;
  #lastStatus: EventDocument | null = null;
  #lastPairing: string | null = null;
  #isReadingPairing = false;

  constructor(channelId: string, source: FeedSource) {
    this.channelId = channelId;
    this.#source = source;
    this.ready = this.#start();
    this.ready.catch(() => undefined);
  }

  /** The number of the last event that was broadcast, or that was in the log when the feed started. */
  get seq(): number {
    return this.#seq ?? 0;
  }

  /** The last status that was broadcast; null if none was since the feed started. */
  get lastStatus(): EventDocument | null {
    return this.#lastStatus;
  }

  /** Buffers every later broadcast until disposed. */
  openBuffer(): ReplayBuffer {
    const buffer = new ReplayBuffer(this.seq, (it) => this.#buffers.delete(it));
    this.#buffers.add(buffer);
    return buffer;
  }

  /** Takes a new event: broadcasts it if it is the next, reads the log if it is later. */
  offer({ seq, row }: OfferedEvent): void {
    const next = this.#seq !== null && seq === this.#seq + 1 ? row() : null;
    if (next) this.#broadcastEvent(next);
    else if (this.#seq === null || seq > this.#seq) void this.readLog();
  }

  /** Broadcasts events of the log that have not been broadcast. Logs failures; the next sweep reads again. */
  readonly readLog = singleFlight(async () => {
    if (this.#seq === null) this.#mustReadLog = true;
    else await this.#attempt("log", () => this.#readPages());
  });

  /** As `readLog`, but rejects if the log cannot be read. */
  catchUp(): Promise<void> {
    return this.#readPages();
  }

  /** Broadcasts the current QR or pairing code unless it already was. */
  readonly readPairing = singleFlight(() => this.#attempt("pairing", () => this.#readPairing()));

  /** Broadcasts a QR or pairing code that was just stored. A read that runs may have found an older one, so it reads again. */
  offerPairing(shown: ShownPairing): void {
    if (this.#isReadingPairing) void this.readPairing();
    else this.#broadcastPairing(shown);
  }

  /** Takes what a sweep found. Reads again what differs: broadcasts since then may have overtaken the sweep. */
  async compare({ channel, seq }: SweptChannel): Promise<void> {
    if (seq > (this.#seq ?? 0)) await this.readLog();
    if (pairingOf(channel) !== this.#lastPairing) await this.readPairing();
  }

  async #start(): Promise<void> {
    const { events } = this.#source.db;
    const newest = await events.findOne(
      { channelId: this.channelId, seq: { $exists: true } },
      { sort: { seq: -1 }, ...majority },
    );
    this.#seq = newest?.seq ?? 0;
    if (this.#mustReadLog) void this.readLog();
  }

  async #readPages(): Promise<void> {
    const { events } = this.#source.db;
    for (let mayHaveMore = true; mayHaveMore; ) {
      const filter = { channelId: this.channelId, seq: { $gt: this.seq } };
      const found = events.find(filter, { sort: { seq: 1 }, limit: pageRows, ...majority });
      const { rows, isCut } = await fillPage(found);
      for (const row of rows) if (row.seq > this.seq) this.#broadcastEvent(row);
      mayHaveMore = isCut || rows.length === pageRows;
    }
  }

  async #readPairing(): Promise<void> {
    this.#isReadingPairing = true;
    try {
      this.#broadcastPairing(await presentChannel(this.#source.db, this.channelId));
    } finally {
      this.#isReadingPairing = false;
    }
  }

  #broadcastPairing(channel: ShownPairing | null): void {
    const notice = channel && pairingNotice(channel);
    const pairing = pairingOf(channel);
    if (notice && pairing !== this.#lastPairing) this.#broadcast(null, notice);
    this.#lastPairing = pairing;
  }

  #broadcastEvent(event: EventDocument): void {
    this.#seq = event.seq;
    if (isStatus(event)) this.#lastStatus = event;
    this.#broadcast(event.seq, logNotice(event));
  }

  #broadcast(seq: number | null, notice: Notice): void {
    for (const buffer of this.#buffers) buffer.keep(seq, notice);
    this.#source.broadcast(this.channelId, notice);
  }

  async #attempt(source: "log" | "pairing", work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#source.log.warn(
        { event: "channel_read_failed", channelId: this.channelId, source, ...errorTrace(error) },
        "gateway could not read a channel",
      );
    }
  }
}

/** Equal for two notices of the same QR or pairing code. */
export function pairingKey({ name, payload }: Notice): string {
  return JSON.stringify([name, payload.qrCode ?? payload.code]);
}

function pairingOf(channel: ShownPairing | null): string | null {
  const notice = channel && pairingNotice(channel);
  return notice && pairingKey(notice);
}

function isStatus(event: EventDocument): boolean {
  return event.type === "connection_update";
}
