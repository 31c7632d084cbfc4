import type { ChangeStreamInsertDocument, Collection } from "mongodb";
import type { CommandDocument } from "../shared/collections.ts";
import { followChanges } from "../shared/follow-changes.ts";
import type { Logger } from "../shared/log.ts";

/** What the doorbell listens to, and who hears it. */
export interface DoorbellOptions {
  commands: Collection<CommandDocument>;
  /** Called with the channel of a new command; it only says "look". */
  ring(channelId: string): void;
  /** Called when a document of another service came, which says nothing of attempts. */
  adopt(): void;
  /** Called when the stream is open again: whatever came in between was not heard. */
  reopened(): void;
  log: Logger;
  signal: AbortSignal;
}

type Rung = Pick<CommandDocument, "channelId"> & { attempts?: unknown };

/** The resume token `_id` has to survive the projection. */
const insertsOnly = [
  { $match: { operationType: "insert" } },
  { $project: { operationType: 1, "fullDocument.channelId": 1, "fullDocument.attempts": 1 } },
];

/** Listens for new commands until `signal` aborts. One stream for the process; a sweep finds what it did not tell. */
export function listen(options: DoorbellOptions): Promise<void> {
  const { commands, ring, adopt, reopened, log, signal } = options;
  return followChanges<ChangeStreamInsertDocument<Rung>>({
    name: "commands",
    watch: () => commands.watch(insertsOnly),
    opened: reopened,
    changed({ fullDocument }) {
      if ((fullDocument.attempts ?? null) === null) adopt();
      else ring(fullDocument.channelId);
    },
    log,
    signal,
  });
}
