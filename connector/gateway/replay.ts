import type { LimitFunction } from "p-limit";
import type { Collections } from "#shared/database.ts";
import { databaseAnswer } from "#shared/database-errors.ts";
import { errorTrace } from "#shared/error-trace.ts";
import { type EventPage, readEventPage } from "#shared/event-page.ts";
import type { Logger } from "#shared/log.ts";
import { sleep } from "#shared/sleep.ts";
import type { Audience } from "./audience.ts";
import type { ChannelFeed } from "./channel-feed.ts";
import type { Client } from "./client.ts";
import type { GatewayLimits } from "./limits.ts";
import { logNotice } from "./notice.ts";
import type { ReplayBuffer } from "./replay-buffer.ts";

export interface Replay {
  client: Client;
  audiences: readonly Audience[];
  feed: ChannelFeed;
  /** Holds the feed's broadcasts since before the replay. */
  buffer: ReplayBuffer;
  /** Joins the client once it has everything up to this number and the buffer has the rest, in the same turn. */
  join: (sentSeq: number) => void;
  db: Pick<Collections, "events">;
  /** Limits how many pages are read at once: clients that all reconnect share the database with the channels. */
  reads: LimitFunction;
  limits: GatewayLimits;
  log: Logger;
}

const pageRows = 200;
/** How long a number that is not in the log may be one that this MongoDB server is about to show. */
const aheadMs = 2_000;
const aheadPauseMs = 100;

/**
 * Sends a client the events of the log after number `after`, page by page, each after the client has taken the previous
 * one, until the buffer has all the rest; then joins. Resolves to false if the client was dropped instead, because it
 * was too slow or the log could not be read. It will reconnect.
 */
export async function replay(context: Replay, after: number): Promise<boolean> {
  const { client, feed, log } = context;
  try {
    return await replayUntilJoined(context, after);
  } catch (error) {
    const trace = { event: "replay_failed", channelId: feed.channelId, ...errorTrace(error) };
    log.warn(trace, "gateway could not replay a channel");
    client.socket.conn.close();
    return false;
  }
}

async function replayUntilJoined(context: Replay, after: number): Promise<boolean> {
  const { client, buffer, join } = context;
  let position: Position = { sentSeq: after, isFeedCaughtUp: false };
  while (client.socket.connected) {
    const { sentSeq, isFeedCaughtUp } = position;
    if (sentSeq === buffer.seq || (sentSeq > buffer.seq && isFeedCaughtUp)) {
      join(sentSeq);
      return true;
    }
    position = sentSeq < buffer.seq ? await sendNext(context, sentSeq) : await alignFeed(context, sentSeq);
  }
  return false;
}

interface Position {
  /** The client has everything up to here. */
  sentSeq: number;
  /** The client is ahead of the buffer, but the feed has caught up: it broadcasts none of the client's events again. */
  isFeedCaughtUp: boolean;
}

async function sendNext(context: Replay, sentSeq: number): Promise<Position> {
  const { client, audiences, buffer, limits } = context;
  const page = await readPage(context, sentSeq, Math.min(pageRows, buffer.seq - sentSeq));
  const next = page.kind === "rows" ? page.rows.filter(({ seq }) => seq <= buffer.seq) : [];
  for (const notice of next.map(logNotice)) {
    if (audiences.includes(notice.audience)) client.send(notice);
    if (client.connection.unsent.bytes > limits.replayBytesMax) await letItRead(context);
  }
  if (page.kind === "missed") sendResync(context, page.seq);
  await letItRead(context);
  const reached = page.kind === "missed" ? page.seq : next.at(-1)?.seq;
  // Without a row, retention has removed the events up to the start of the buffer.
  return { sentSeq: reached ?? Math.max(sentSeq, buffer.seq), isFeedCaughtUp: false };
}

/** Waits until the client has received what was sent, and closes it if it does not. */
async function letItRead({ client: { connection }, limits }: Replay): Promise<void> {
  if (!(await connection.unsent.drained(limits.drainMs))) connection.cut("slow_consumer");
}

/** The client has received more elsewhere than this feed has broadcast, or its number is from another log. */
async function alignFeed(context: Replay, sentSeq: number): Promise<Position> {
  const until = performance.now() + aheadMs;
  let page = await readPage(context, sentSeq, 1);
  while (page.kind === "ahead" && performance.now() < until) {
    await sleep(aheadPauseMs);
    page = await readPage(context, sentSeq, 1);
  }
  if (page.kind !== "rows") {
    sendResync(context, page.seq);
    return { sentSeq: page.seq, isFeedCaughtUp: false };
  }
  await databaseAnswer(context.feed.catchUp(), context.limits.requestMs);
  return { sentSeq, isFeedCaughtUp: true };
}

function sendResync({ client, feed: { channelId } }: Replay, seq: number): void {
  client.send({ audience: "status", name: "resync_required", payload: { channelId, seq } });
}

function readPage({ db, feed, reads, limits }: Replay, after: number, limit: number): Promise<EventPage> {
  const read = () => readEventPage(db.events, feed.channelId, after, limit);
  return reads(() => databaseAnswer(read(), limits.requestMs));
}
