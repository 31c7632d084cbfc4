import type { ChangeStreamInsertDocument, Collection } from "mongodb";
import type { CommandDocument } from "#shared/collections.ts";
import { followChanges } from "#shared/follow-changes.ts";
import type { Logger } from "#shared/log.ts";
import { isShortText } from "./short-text.ts";

/** A longer one is no channel's id. */
const channelIdBytesMax = 100;

export interface CommandDoorbellOptions {
  commands: Collection<CommandDocument>;
  /** Called with the channel of a new or retried command, and its lane if there is such a one. A hint: the queue has to be queried. */
  ring(channelId: string, lane?: CommandDocument["lane"]): void;
  /** Called when another service inserted a document: it has no `attempts` yet. */
  adopt(): void;
  /** Called when the stream has opened again: inserts before that rang nothing. */
  reopened(): void;
  log: Logger;
  signal: AbortSignal;
}

/** Null for a channel that cannot exist. */
type NewWork = Pick<ChangeStreamInsertDocument, "_id"> & {
  channelId: string | null;
  lane?: CommandDocument["lane"];
  isForeign: boolean;
};

/**
 * Matches inserts and retries: only a retry removes `doneAt`. The server looks up the full document only for changes that
 * match (query plan of 6.0.5). The projection must keep `_id`, the resume token, and of the document only a short text:
 * the driver ends a stream over what it cannot read.
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
  {
    $project: {
      operationType: 1,
      channelId: {
        $cond: [isShortText("$fullDocument.channelId", channelIdBytesMax), "$fullDocument.channelId", null],
      },
      lane: { $cond: [{ $in: ["$fullDocument.lane", [0, 1, 2]] }, "$fullDocument.lane", "$$REMOVE"] },
      isForeign: { $lte: ["$fullDocument.attempts", null] },
    },
  },
];

/** Listens for new commands until `signal` aborts, with one stream for the process. A sweep finds what the stream missed. */
export function listenToCommands(options: CommandDoorbellOptions): Promise<void> {
  const { commands, ring, adopt, reopened, log, signal } = options;
  return followChanges<NewWork>({
    name: "commands",
    watch: () => commands.watch(newWork, { fullDocument: "updateLookup", enableUtf8Validation: false }),
    opened: reopened,
    changed({ channelId, lane, isForeign }) {
      if (isForeign) adopt();
      else if (channelId !== null) ring(channelId, lane);
    },
    log,
    signal,
  });
}
