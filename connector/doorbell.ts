import type { ChangeStream, ChangeStreamInsertDocument, Collection } from "mongodb";
import type { CommandDocument } from "../shared/collections.ts";
import type { Logger } from "../shared/log.ts";
import { backoffMs } from "./backoff.ts";
import { sleep } from "./sleep.ts";

export interface DoorbellOptions {
  commands: Collection<CommandDocument>;
  /** Called with the channel of a new command; it only says "look". */
  ring(channelId: string): void;
  /** Called when a document of another service came that has no state yet. */
  adopt(): void;
  /** Called when the stream is open again: whatever came in between was not heard. */
  reopened(): void;
  log: Logger;
  signal: AbortSignal;
}

type Rung = Pick<CommandDocument, "channelId" | "state">;

const reopenBackoff = { baseMs: 100, maxMs: 5_000 };

/**
 * Listens for new commands until `signal` aborts. One stream for the process; no resume token is kept, since a sweep
 * finds what a lost stream did not tell.
 */
export async function listen({
  commands,
  ring,
  adopt,
  reopened,
  log,
  signal,
}: DoorbellOptions): Promise<void> {
  for (let attempt = 0; !signal.aborted; attempt++) {
    try {
      const stream = open(commands);
      const close = () => void stream.close().catch(() => undefined);
      signal.addEventListener("abort", close, { once: true });
      try {
        // `watch` is lazy: without this the stream would open after `reopened` looked.
        await stream.tryNext();
        reopened();
        attempt = 0;
        for await (const { fullDocument } of stream) {
          if (fullDocument.state === undefined) adopt();
          else ring(fullDocument.channelId);
        }
      } finally {
        signal.removeEventListener("abort", close);
        close();
      }
    } catch (error) {
      if (signal.aborted) return;
      log.warn({ error: error instanceof Error ? error.name : "unknown" }, "doorbell lost");
    }
    await sleep(backoffMs(reopenBackoff, attempt, Math.random()), signal);
  }
}

function open(commands: Collection<CommandDocument>): ChangeStream<Rung, ChangeStreamInsertDocument<Rung>> {
  const inserts = { $match: { operationType: "insert" } };
  const onlyWhere = { $project: { operationType: 1, "fullDocument.channelId": 1, "fullDocument.state": 1 } };
  return commands.watch<Rung, ChangeStreamInsertDocument<Rung>>([inserts, onlyWhere]);
}
