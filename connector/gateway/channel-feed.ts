import type { EventDocument } from "#shared/collections.ts";
import type { Collections } from "#shared/database.ts";
import type { Logger } from "#shared/log.ts";
import { singleFlight } from "../concurrency/single-flight.ts";
import { logNotice, type Notice } from "./notice.ts";
import { presentChannel } from "./present-channel.ts";
import { ReplayBuffer } from "./replay-buffer.ts";
import { pairingNotice } from "./snapshot.ts";

/** What a feed reads from, and who it tells. */
export interface FeedSource {
  db: Pick<Collections, "events" | "channels">;
  /** Gives a notice to whoever is in its room. */
  broadcast: (channelId: string, notice: Notice) => void;
  log: Logger;
}

const pageRows = 200;
/** How far back the last status is looked for; it matters only while the channel's document is behind the log. */
const recentRows = 50;
const majority = { readConcern: { level: "majority" } } as const;

/**
 * One channel's events in this process: relayed once each, in the order of `seq`, to every room at the same moment.
 * So a socket that joins in one go with reading `seq` has neither a gap nor a double. The change stream only hurries:
 * what does not follow on from `seq` is read from the log.
 */
export class ChannelFeed {
  readonly channelId: string;
  /** Rejects when the log could not be read. Nothing is relayed before. */
  readonly ready: Promise<void>;
  readonly #source: FeedSource;
  readonly #buffers = new Set<ReplayBuffer>();
  #seq: number | null = null;
  #isBehind = false;
  #lastStatus: EventDocument | null = null;
  #lastPairing: string | null = null;

  constructor(channelId: string, source: FeedSource) {
    this.channelId = channelId;
    this.#source = source;
    this.ready = this.#start();
    this.ready.catch(() => undefined);
  }

  /** The last event that was relayed, or was there before this process listened. */
  get seq(): number {
    return this.#seq ?? 0;
  }

  get lastStatus(): EventDocument | null {
    return this.#lastStatus;
  }

  /** Keeps what is relayed from now on, until disposed. */
  openBuffer(): ReplayBuffer {
    const hold = new ReplayBuffer(this.seq, (it) => this.#buffers.delete(it));
    this.#buffers.add(hold);
    return hold;
  }

  /** An event from the change stream: relayed if it is the next, a reason to read the log if it is later. */
  offer(event: EventDocument): void {
    if (this.#seq !== null && event.seq === this.#seq + 1) this.#broadcastEvent(event);
    else if (this.#seq === null || event.seq > this.#seq) void this.readLog();
  }

  /** Relays what is in the log and was not relayed. Failures are logged; the next sweep reads again. */
  readonly readLog = singleFlight(async () => {
    if (this.#seq === null) this.#isBehind = true;
    else await this.#attempt("log", () => this.#readPages());
  });

  /** As `readLog`, but rejects when the log could not be read. */
  catchUp(): Promise<void> {
    return this.#readPages();
  }

  /** Relays the QR or pairing code that waits now, unless it was. */
  readonly readPairing = singleFlight(() => this.#attempt("pairing", () => this.#broadcastPairing()));

  async #start(): Promise<void> {
    const { events } = this.#source.db;
    const recent = await events
      .find(
        { channelId: this.channelId, seq: { $exists: true } },
        { sort: { seq: -1 }, limit: recentRows, ...majority },
      )
      .toArray();
    this.#lastStatus = recent.find(isStatus) ?? null;
    this.#seq = recent[0]?.seq ?? 0;
    if (this.#isBehind) void this.readLog();
  }

  async #readPages(): Promise<void> {
    const { events } = this.#source.db;
    let rows: EventDocument[];
    do {
      const filter = { channelId: this.channelId, seq: { $gt: this.seq } };
      rows = await events.find(filter, { sort: { seq: 1 }, limit: pageRows, ...majority }).toArray();
      for (const row of rows) if (row.seq > this.seq) this.#broadcastEvent(row);
    } while (rows.length === pageRows);
  }

  async #broadcastPairing(): Promise<void> {
    const channel = await presentChannel(this.#source.db, this.channelId);
    const notice = channel && pairingNotice(channel, new Date());
    const pairing = notice ? pairingKey(notice) : null;
    if (notice && pairing !== this.#lastPairing) this.#broadcast(null, notice);
    this.#lastPairing = pairing;
  }

  #broadcastEvent(event: EventDocument): void {
    this.#seq = event.seq;
    if (isStatus(event)) this.#lastStatus = event;
    this.#broadcast(event.seq, logNotice(event));
  }

  #broadcast(seq: number | null, notice: Notice): void {
    for (const hold of this.#buffers) hold.keep(seq, notice);
    this.#source.broadcast(this.channelId, notice);
  }

  async #attempt(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#source.log.warn(
        { channelId: this.channelId, what, err: error },
        "gateway could not read a channel",
      );
    }
  }
}

/** Two notices of one QR or code have the same. */
export function pairingKey({ name, payload }: Notice): string {
  return JSON.stringify([name, payload.qrCode ?? payload.code]);
}

function isStatus(event: EventDocument): boolean {
  return event.type === "connection_update";
}
