/** Follows a change stream and reopens it when it is lost. */

import type { ChangeStream, Document } from "mongodb";
import { type Backoff, backoffMs } from "./backoff.ts";
import { errorTrace } from "./error-trace.ts";
import type { Logger } from "./log.ts";
import { sleep } from "./sleep.ts";

/** The listener of a change stream. A change only says where to look; a query decides. */
export interface Follower<T extends Document> {
  /** For the log. */
  name: string;
  watch(): ChangeStream<Document, T>;
  /** Returns false when the change was of no use. */
  changed(change: T): unknown;
  /** The stream is open. The follower must query what was written before; later changes are reported. */
  opened?(): void;
  /** The stream was lost or could not be opened, and will be reopened. */
  lost?(): void;
  /** How long to rest after changes that were all of no use, before asking for more. */
  restMs?: number;
  log: Logger;
  signal: AbortSignal;
}

const reopenBackoff: Backoff = { baseMs: 100, maxMs: 5_000 };

/**
 * Follows a change stream until `signal` aborts; never rejects. Reopens a lost stream after a pause that grows up to 5 s
 * and resets once a stream has opened. Keeps no resume token: `opened` queries what was missed.
 */
export async function followChanges<T extends Document>(follower: Follower<T>): Promise<void> {
  const { name, log, signal } = follower;
  for (let attempt = 0; !signal.aborted; attempt++) {
    try {
      await followOne(follower, () => {
        attempt = 0;
      });
    } catch (error) {
      log.warn({ event: "change_stream_lost", stream: name, ...errorTrace(error) }, "change stream lost");
    }
    if (signal.aborted) return;
    follower.lost?.();
    await sleep(backoffMs(reopenBackoff, attempt, Math.random()), signal);
  }
}

async function followOne<T extends Document>(follower: Follower<T>, opened: () => void): Promise<void> {
  const { signal } = follower;
  const stream = follower.watch();
  const stop = Promise.withResolvers<void>();
  const stopped = () => stop.resolve();
  signal.addEventListener("abort", stopped, { once: true });
  // The first token arrives with the response to the open command: all changes from here on are reported.
  stream.once("resumeTokenChanged", () => {
    opened();
    follower.opened?.();
  });
  try {
    // A closed stream waits up to a second for its last response; do not wait with it.
    await Promise.race([reportChanges(stream, follower), stop.promise]);
  } finally {
    signal.removeEventListener("abort", stopped);
    stream.close().catch(() => undefined);
  }
}

async function reportChanges<T extends Document>(
  stream: ChangeStream<Document, T>,
  { changed, restMs = 0, signal }: Pick<Follower<T>, "changed" | "restMs" | "signal">,
): Promise<void> {
  let isUsed = false;
  for await (const change of stream) {
    if (signal.aborted) return;
    if (changed(change) !== false) isUsed = true;
    if (stream.bufferedCount() > 0) continue;
    // Each change that arrives meanwhile would be an answer of its own.
    if (!isUsed && restMs > 0) await sleep(restMs, signal);
    isUsed = false;
  }
}
