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
export async function listen(options: DoorbellOptions): Promise<void> {
  const { commands, reopened, log, signal } = options;
  for (let attempt = 0; !signal.aborted; attempt++) {
    const stream = open(commands);
    const asked = Promise.withResolvers<void>();
    signal.addEventListener("abort", () => asked.resolve(), { once: true });
    // The first token comes with the answer to the opening: what is inserted from here on is heard.
    stream.once("resumeTokenChanged", () => {
      attempt = 0;
      reopened();
    });
    try {
      // A stream that is closed still waits for its last answer, up to a second; nobody else has to.
      await Promise.race([hear(stream, options), asked.promise]);
    } catch (error) {
      log.warn({ error: error instanceof Error ? error.name : "unknown" }, "doorbell lost");
    }
    asked.resolve();
    stream.close().catch(() => undefined);
    await sleep(backoffMs(reopenBackoff, attempt, Math.random()), signal);
  }
}

type Inserts = ChangeStream<Rung, ChangeStreamInsertDocument<Rung>>;

async function hear(
  stream: Inserts,
  { ring, adopt, signal }: Pick<DoorbellOptions, "ring" | "adopt" | "signal">,
): Promise<void> {
  for await (const { fullDocument } of stream) {
    if (signal.aborted) return;
    if (fullDocument.state === undefined) adopt();
    else ring(fullDocument.channelId);
  }
}

function open(commands: Collection<CommandDocument>): Inserts {
  const inserts = { $match: { operationType: "insert" } };
  const onlyWhere = { $project: { operationType: 1, "fullDocument.channelId": 1, "fullDocument.state": 1 } };
  return commands.watch<Rung, ChangeStreamInsertDocument<Rung>>([inserts, onlyWhere]);
}
