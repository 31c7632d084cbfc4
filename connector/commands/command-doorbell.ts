import type { ChangeStreamInsertDocument, ChangeStreamUpdateDocument, Collection } from "mongodb";
import type { CommandDocument } from "#shared/collections.ts";
import { followChanges } from "#shared/follow-changes.ts";
import type { Logger } from "#shared/log.ts";

export interface CommandDoorbellOptions {
  commands: Collection<CommandDocument>;
  /** Called with the channel of a new or retried command. A hint: the queue has to be queried. */
  ring(channelId: string): void;
  /** Called when another service inserted a document: it has no `attempts` yet. */
  adopt(): void;
  /** Called when the stream has opened again: inserts before that rang nothing. */
  reopened(): void;
  log: Logger;
  signal: AbortSignal;
}

type InsertedCommand = Pick<CommandDocument, "channelId"> & { attempts?: unknown };
type NewWork = ChangeStreamInsertDocument<InsertedCommand> | ChangeStreamUpdateDocument<InsertedCommand>;

/**
 * Matches inserts and retries: only a retry removes `doneAt`. The server looks up the full document only for changes that
 * match (query plan of 6.0.5). The projection must keep `_id`, the resume token.
 */
const newWork = [
  {
    $match: {
      $or: [
        { operationType: "insert" },
        { operationType: "update", "updateDescription.removedFields": "doneAt" },
      ],
    },
  },
  { $project: { operationType: 1, "fullDocument.channelId": 1, "fullDocument.attempts": 1 } },
];

/** Listens for new commands until `signal` aborts, with one stream for the process. A sweep finds what the stream missed. */
export function listenToCommands(options: CommandDoorbellOptions): Promise<void> {
  const { commands, ring, adopt, reopened, log, signal } = options;
  return followChanges<NewWork>({
    name: "commands",
    watch: () => commands.watch(newWork, { fullDocument: "updateLookup" }),
    opened: reopened,
    changed({ fullDocument }) {
      // The document was erased before the lookup.
      if (!fullDocument) return;
      if ((fullDocument.attempts ?? null) === null) adopt();
      else ring(fullDocument.channelId);
    },
    log,
    signal,
  });
}
