import type { ChangeStream, Collection } from "mongodb";
import type { CommandDocument } from "../shared/collections.ts";
import type { Logger } from "../shared/log.ts";
import { pollingResults } from "./polling-results.ts";
import type { ReadOutcome, ResultWaiter } from "./results.ts";

/** How often a waiter looks anyway: what the stream does not tell costs latency, never a result. */
const netPausesMs = [200, 400, 1_000];
const reopenAfterMs = 1_000;

export interface StreamingOptions {
  commands: Collection<CommandDocument>;
  read: ReadOutcome;
  log: Logger;
}

/**
 * Waits with one change stream for the whole process, and looks now and then all the same. The stream only says which
 * command to look at. Disposal closes the stream; waits that are under way go on by looking.
 */
export function streamingResults({ commands, read, log }: StreamingOptions): ResultWaiter & AsyncDisposable {
  const waiting = new Map<string, Set<() => void>>();
  const stopping = new AbortController();
  const ringing = ringWhileOpen({
    open: () => commands.watch(settledOnly),
    ring: (commandId) => waiting.get(commandId)?.forEach((ring) => void ring()),
    log,
    signal: stopping.signal,
  });
  const listen = (commandId: string, ring: () => void) => {
    const rings = waiting.get(commandId) ?? new Set();
    waiting.set(commandId, rings.add(ring));
    return () => {
      rings.delete(ring);
      if (rings.size === 0) waiting.delete(commandId);
    };
  };
  return {
    ...pollingResults(read, { pausesMs: netPausesMs, listen }),
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await ringing;
    },
  };
}

/** The resume token `_id` has to survive the projection. */
const settledOnly = [
  {
    $match: {
      $or: [
        { operationType: { $in: ["delete", "replace"] } },
        {
          operationType: "update",
          "updateDescription.updatedFields.state": { $exists: true, $nin: ["queued", "running"] },
        },
      ],
    },
  },
  { $project: { operationType: 1, documentKey: 1 } },
];

interface Ringing {
  open(): ChangeStream<CommandDocument>;
  ring(commandId: string): void;
  log: Logger;
  signal: AbortSignal;
}

/** Opens the stream again whenever it is lost, until `signal` aborts. Never rejects. */
async function ringWhileOpen({ open, ring, log, signal }: Ringing): Promise<void> {
  while (!signal.aborted) {
    const stream = open();
    const close = () => void stream.close().catch(() => undefined);
    signal.addEventListener("abort", close, { once: true });
    try {
      for await (const change of stream) {
        if ("documentKey" in change) ring(String(change.documentKey._id));
      }
    } catch (error) {
      if (!signal.aborted)
        log.warn({ error: error instanceof Error ? error.name : "unknown" }, "result stream lost");
    } finally {
      signal.removeEventListener("abort", close);
      close();
    }
    await aborted(signal, reopenAfterMs);
  }
}

/** Resolves when `signal` aborts, at the latest after `ms`. */
async function aborted(signal: AbortSignal, ms: number): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done, { once: true });

    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
  });
}
