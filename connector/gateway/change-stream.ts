import { setTimeout as wait } from "node:timers/promises";
import type { ChangeStream, Document } from "mongodb";
import type { Logger } from "../../shared/log.ts";

export interface Follower<T extends Document> {
  /** For the log. */
  name: string;
  watch: () => ChangeStream<Document, T>;
  /** The stream is open: whatever was written before must be looked for, whatever comes after is told. */
  opened: () => void;
  changed: (change: T) => void;
  /** Called once, when the first attempt to open is over. */
  attempted: () => void;
  log: Logger;
  signal: AbortSignal;
}

const backoffMs = { first: 100, most: 5_000 };

/** Follows a change stream until the signal says stop; a lost stream is opened anew, after a pause that grows. */
export async function followChanges<T extends Document>(follower: Follower<T>): Promise<void> {
  const { signal, log, name } = follower;
  let failures = 0;
  while (!signal.aborted) {
    try {
      await followOne(follower, () => {
        failures = 0;
      });
    } catch (error) {
      if (!signal.aborted) log.warn({ stream: name, err: error }, "gateway lost a change stream");
    }
    follower.attempted();
    await pause(failures, signal);
    failures += 1;
  }
}

async function followOne<T extends Document>(follower: Follower<T>, opened: () => void): Promise<void> {
  const { signal } = follower;
  await using stream = follower.watch();
  const stop = () => void stream.close().catch(() => undefined);
  signal.addEventListener("abort", stop, { once: true });
  // `watch` is lazy: only with its first token is it sure that nothing is missed from here on.
  stream.once("resumeTokenChanged", () => {
    opened();
    follower.opened();
    follower.attempted();
  });
  try {
    while (!signal.aborted) follower.changed(await stream.next());
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

async function pause(failures: number, signal: AbortSignal): Promise<void> {
  const longest = Math.min(backoffMs.most, backoffMs.first * 2 ** Math.min(failures, 10));
  await wait(longest * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => undefined);
}
