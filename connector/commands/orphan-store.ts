import type { Collection, Document, Filter } from "mongodb";
import type { CommandDocument } from "#shared/collections.ts";
import { durable } from "#shared/database.ts";
import { commandSteps, epochLeadMax } from "./command-lifecycle.ts";
import { refuseUnreadable } from "./refuse-commands.ts";
import { type Settlement, settlementFields } from "./settlement.ts";
import { asStored, commandBytesMax, readStoredDocuments } from "./stored-document.ts";

/** A command whose owner died or lost its lease, and the state it gets next. */
export interface Orphan {
  command: CommandDocument;
  /** `queue`: it never reached the wire; `keep`: it stays `unknown` under this owner. */
  next: Settlement | "queue" | "keep";
}

export interface OrphansOptions {
  commands: Collection<CommandDocument>;
  channelId: string;
  epoch: number;
  /** Names the new owner in a claim. */
  stamp: Document;
}

const orphansMax = 500;

/** Finds and settles orphans, including commands that a deposed owner claims before it notices. */
export function commandOrphans({ commands, channelId, epoch, stamp }: OrphansOptions) {
  const older = { "claim.epoch": { $not: { $gte: epoch, $lt: epoch + epochLeadMax } } };
  const orphaned: Filter<CommandDocument> = { channelId, state: { $in: ["running", "unknown"] }, ...older };
  return {
    async orphans() {
      const projection = asStored(commandBytesMax);
      const cursor = commands.find(orphaned, { projection, raw: true });
      const stored = await readStoredDocuments(cursor.sort({ lane: 1, ord: 1 }).limit(orphansMax));
      const found = await refuseUnreadable(commands, orphaned, stored);
      return found.map(({ document }) => document as CommandDocument);
    },
    async settleOrphans(orphans: readonly Orphan[]) {
      const updates = orphans.map(({ command: { _id, state, relayStartedAt }, next }) => ({
        updateOne: {
          filter: {
            ...{ _id, state, ...older },
            // Its owner may have claimed it once more since it was found.
            ...(next === "queue" ? { relayStartedAt: relayStartedAt ?? { $exists: false } } : {}),
          },
          update: updateTo(next, stamp, epoch),
        },
      }));
      if (updates.length > 0) await commands.bulkWrite(updates, { ordered: false, ...durable });
    },
  };
}

function updateTo(next: Orphan["next"], stamp: Document, epoch: number): Document[] {
  if (next === "queue")
    return [
      { $set: { state: commandSteps.requeue.to, claimableFrom: epoch } },
      { $unset: ["claim", "relayStartedAt", "relayedBy"] },
    ];
  if (next === "keep") return [{ $set: { claim: stamp } }];
  return [{ $set: { ...settlementFields(next), claim: stamp } }];
}
