import { type ChangeStreamUpdateDocument, type Collection, ObjectId } from "mongodb";
import type { CommandDocument } from "#shared/collections.ts";
import { followChanges } from "#shared/follow-changes.ts";
import type { Logger } from "#shared/log.ts";
import { pollingResults } from "./polling-results.ts";
import type { ReadCommandOutcome, ResultWaiter } from "./results.ts";

/** Waiters also poll at these intervals: a change that the stream misses costs latency, never a result. */
const pollPausesMs = [200, 400, 1_000];

export interface ChangeStreamResultsOptions {
  commands: Collection<CommandDocument>;
  read: ReadCommandOutcome;
  log: Logger;
}

/**
 * Waits with one change stream for the whole process, which only says which command to read; waiters poll as well.
 * Disposal closes the stream; waits in progress continue by polling.
 */
export function changeStreamResults({
  commands,
  read,
  log,
}: ChangeStreamResultsOptions): ResultWaiter & AsyncDisposable {
  const waiting = new Map<string, Set<() => void>>();
  const stopping = new AbortController();
  const following = followChanges<Settled>({
    name: "results",
    watch: () => commands.watch(settledOnly, { enableUtf8Validation: false, bsonRegExp: true }),
    changed: ({ documentKey: { _id } }) => waiting.get(textOf(_id))?.forEach((ring) => void ring()),
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
    ...pollingResults(read, { pausesMs: pollPausesMs, listen }),
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await following;
    },
  };
}

/** Another service may have used anything as an `_id`, even what has no text. */
function textOf(_id: unknown): string {
  if (typeof _id === "string") return _id;
  return _id instanceof ObjectId ? _id.toHexString() : "";
}

type Settled = Pick<ChangeStreamUpdateDocument<CommandDocument>, "_id" | "documentKey">;

/** The projection must keep `_id`, the resume token. */
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
