import type { ChangeStream, Document } from "mongodb";
import { type Backoff, backoffMs } from "./backoff.ts";
import type { Logger } from "./log.ts";
import { sleep } from "./sleep.ts";

/** Who listens to a change stream, which only says where to look: a query decides. */
export interface Follower<T extends Document> {
  /** For the log. */
  name: string;
  watch(): ChangeStream<Document, T>;
  changed(change: T): void;
  /** The stream is open: whatever was written before must be looked for, whatever comes from here on is told. */
  opened?(): void;
  /** The stream is lost or could not be opened, and will be opened anew. */
  lost?(): void;
  log: Logger;
  signal: AbortSignal;
}

const reopenBackoff: Backoff = { baseMs: 100, maxMs: 5_000 };

/**
 * Follows a change stream until `signal` aborts; never rejects. A lost stream is opened anew after a pause that grows
 * up to 5 s and starts small again once a stream was open. No resume token is kept: `opened` looks for what was missed.
 */
export async function followChanges<T extends Document>(follower: Follower<T>): Promise<void> {
  const { name, log, signal } = follower;
  for (let attempt = 0; !signal.aborted; attempt++) {
    try {
      await followOne(follower, () => {
        attempt = 0;
      });
    } catch (error) {
      log.warn(
        { stream: name, error: error instanceof Error ? error.name : "unknown" },
        "change stream lost",
      );
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
  // The first token comes with the answer to the opening: only from here on is everything told.
  stream.once("resumeTokenChanged", () => {
    opened();
    follower.opened?.();
  });
  try {
    // A stream that is closed still waits for its last answer, up to a second; nobody else has to.
    await Promise.race([tell(stream, follower), stop.promise]);
  } finally {
    signal.removeEventListener("abort", stopped);
    stream.close().catch(() => undefined);
  }
}

async function tell<T extends Document>(
  stream: ChangeStream<Document, T>,
  { changed, signal }: Pick<Follower<T>, "changed" | "signal">,
): Promise<void> {
  for await (const change of stream) {
    if (signal.aborted) return;
    changed(change);
  }
}
