import type { Collection } from "mongodb";
import type { ChangeHub } from "#shared/change-hub.ts";
import type { QueuedCommand } from "#shared/changes.ts";
import type { CommandDocument } from "#shared/collections.ts";
import { errorTrace } from "#shared/error-trace.ts";
import type { Logger } from "#shared/log.ts";

export interface CommandDoorbellOptions {
  changes: Pick<ChangeHub, "listen">;
  commands: Collection<CommandDocument>;
  /** Called with a new or retried command and its channel. A hint: the queue has to be queried. */
  ring(channelId: string, queued: QueuedCommand): void;
  /** Called when another service inserted a document: it has no `attempts` yet. */
  adopt(): void;
  /** Called when the stream has opened again: inserts before that rang nothing. */
  reopened(): void;
  log: Logger;
  signal: AbortSignal;
}

/** Listens for new commands until `signal` aborts. A sweep finds what the stream missed. */
export function listenToCommands(options: CommandDoorbellOptions): void {
  const { changes, ring, adopt, reopened, signal } = options;
  changes.listen(
    {
      topics: ["command_queued", "command_retried"],
      opened: reopened,
      changed(change) {
        if (change.topic === "command_retried") void ringRetried(options, change._id);
        else if (change.isForeign) adopt();
        else if (change.channelId !== null) ring(change.channelId, change);
      },
    },
    signal,
  );
}

/** The stream does not show which channel a retried command belongs to. Only our own commands are retried, so it can be read. */
async function ringRetried({ commands, ring, log }: CommandDoorbellOptions, _id: string): Promise<void> {
  try {
    const projection = { channelId: 1, lane: 1 };
    const retried = await commands.findOne({ _id }, { projection });
    if (retried) ring(retried.channelId, { commandId: _id, lane: retried.lane });
  } catch (error) {
    log.warn(
      { event: "doorbell", commandId: String(_id), ...errorTrace(error) },
      "retried command left to the sweep",
    );
  }
}
