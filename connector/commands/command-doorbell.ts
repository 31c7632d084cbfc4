import type { ChangeStreamInsertDocument, ChangeStreamUpdateDocument, Collection } from "mongodb";
import type { CommandDocument } from "#shared/collections.ts";
import { followChanges } from "#shared/follow-changes.ts";
import type { Logger } from "#shared/log.ts";

/** What the doorbell listens to, and who hears it. */
export interface CommandDoorbellOptions {
  commands: Collection<CommandDocument>;
  /** Called with the channel of a new command, or one that is tried again; it only says "look". */
  ring(channelId: string): void;
  /** Called when a document of another service came, which says nothing of attempts. */
  adopt(): void;
  /** Called when the stream is open again: whatever came in between was not heard. */
  reopened(): void;
  log: Logger;
  signal: AbortSignal;
}

type Rung = Pick<CommandDocument, "channelId"> & { attempts?: unknown };
type NewWork = ChangeStreamInsertDocument<Rung> | ChangeStreamUpdateDocument<Rung>;

/**
 * Inserts, and what is tried again: only that is not done any more. The server looks a document up only for what matches
 * (seen in the plan of 6.0.5). The resume token `_id` has to survive the projection.
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

/** Listens for new commands until `signal` aborts. One stream for the process; a sweep finds what it did not tell. */
export function listenToCommands(options: CommandDoorbellOptions): Promise<void> {
  const { commands, ring, adopt, reopened, log, signal } = options;
  return followChanges<NewWork>({
    name: "commands",
    watch: () => commands.watch(newWork, { fullDocument: "updateLookup" }),
    opened: reopened,
    changed({ fullDocument }) {
      // Erased since.
      if (!fullDocument) return;
      if ((fullDocument.attempts ?? null) === null) adopt();
      else ring(fullDocument.channelId);
    },
    log,
    signal,
  });
}
