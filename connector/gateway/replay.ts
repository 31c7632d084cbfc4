import type { LimitFunction } from "p-limit";
import type { Collections } from "#shared/database.ts";
import { databaseAnswer } from "#shared/database-answer.ts";
import { type EventPage, readEventPage } from "#shared/event-page.ts";
import type { Logger } from "#shared/log.ts";
import { sleep } from "#shared/sleep.ts";
import type { Audience } from "./audience.ts";
import type { ChannelFeed } from "./channel-feed.ts";
import type { Client } from "./client.ts";
import type { GatewayLimits } from "./limits.ts";
import { logNotice } from "./notice.ts";
import type { ReplayBuffer } from "./replay-buffer.ts";
import { drained, dropSlowConsumer } from "./slow-consumer.ts";

export interface Replay {
  client: Client;
  heard: readonly Audience[];
  feed: ChannelFeed;
  /** Keeps what the feed relays, since before the replay. */
  buffer: ReplayBuffer;
  /** What was missed is sentSeq up to this number; what comes after it is in the hold. Runs in the turn that finds so. */
  join: (sentSeq: number) => void;
  db: Pick<Collections, "events">;
  /** Where pages are read: when many clients come back at once, they share the database with the channels. */
  reads: LimitFunction;
  limits: GatewayLimits;
  log: Logger;
}

const pageRows = 200;
/** How long a number that is not in the log may be one that this server of the database is about to show. */
const aheadMs = 2_000;
const aheadPauseMs = 100;

/**
 * Tells a client what the log has after number `after`, a page at a time and none before the last one was taken, until
 * the hold has all the rest; then joins. False when it did not come to that: who does not take what is sent, and for
 * whom the log cannot be read, is closed as a lost connection is, and comes back.
 */
export async function replay(context: Replay, after: number): Promise<boolean> {
  const { client, feed, log } = context;
  try {
    return await replayUntilJoined(context, after);
  } catch (error) {
    log.warn({ channelId: feed.channelId, err: error }, "gateway could not replay a channel");
    client.socket.conn.close();
    return false;
  }
}

async function replayUntilJoined(context: Replay, after: number): Promise<boolean> {
  const { client, buffer, join } = context;
  let position: Position = { sentSeq: after, isBeforeFeed: false };
  while (client.socket.connected) {
    const { sentSeq, isBeforeFeed } = position;
    if (sentSeq === buffer.seq || (sentSeq > buffer.seq && isBeforeFeed)) {
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
  /** The client has more than the feed had relayed, and the feed will not relay any of it from here on. */
  isBeforeFeed: boolean;
}

async function sendNext(context: Replay, sentSeq: number): Promise<Position> {
  const { client, heard, buffer, limits, log } = context;
  const page = await readPage(context, sentSeq, Math.min(pageRows, buffer.seq - sentSeq));
  const next = page.kind === "rows" ? page.rows.filter(({ seq }) => seq <= buffer.seq) : [];
  for (const notice of next.map(logNotice)) if (heard.includes(notice.audience)) client.send(notice);
  if (page.kind === "missed") sendResync(context, page.seq);
  if (!(await drained(client.socket, limits.drainMs))) dropSlowConsumer(client.socket, log);
  const reached = page.kind === "missed" ? page.seq : next.at(-1)?.seq;
  // Nothing between here and what the feed had relayed: it is gone by now.
  return { sentSeq: reached ?? Math.max(sentSeq, buffer.seq), isBeforeFeed: false };
}

/** The client was sentSeq more elsewhere than was relayed here so far, or its number is of another log. */
async function alignFeed(context: Replay, sentSeq: number): Promise<Position> {
  const until = performance.now() + aheadMs;
  let page = await readPage(context, sentSeq, 1);
  while (page.kind === "ahead" && performance.now() < until) {
    await sleep(aheadPauseMs);
    page = await readPage(context, sentSeq, 1);
  }
  if (page.kind !== "rows") {
    sendResync(context, page.seq);
    return { sentSeq: page.seq, isBeforeFeed: false };
  }
  await databaseAnswer(context.feed.catchUp(), context.limits.requestMs);
  return { sentSeq, isBeforeFeed: true };
}

function sendResync({ client, feed: { channelId } }: Replay, seq: number): void {
  client.send({ audience: "status", name: "resync_required", payload: { channelId, seq } });
}

function readPage({ db, feed, reads, limits }: Replay, after: number, limit: number): Promise<EventPage> {
  const read = () => readEventPage(db.events, feed.channelId, after, limit);
  return reads(() => databaseAnswer(read(), limits.requestMs));
}
