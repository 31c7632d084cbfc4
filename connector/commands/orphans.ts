import type { Collection, Document } from "mongodb";
import type { CommandDocument } from "#shared/collections.ts";
import { durable } from "#shared/database.ts";
import { commandSteps } from "./command-lifecycle.ts";
import { type Settlement, settlementFields } from "./settlement.ts";

/** A former owner's command, and what is to become of it. */
export interface Orphan {
  command: CommandDocument;
  /** `queue`: it was not on the wire; `keep`: it stays `unknown`, as ours. */
  next: Settlement | "queue" | "keep";
}

export interface OrphansOptions {
  commands: Collection<CommandDocument>;
  channelId: string;
  epoch: number;
  /** What a claim says of who has it. */
  stamp: Document;
}

const orphansMax = 500;

/** What former owners left behind; also what one that does not know yet that it was deposed takes too late. */
export function commandOrphans({ commands, channelId, epoch, stamp }: OrphansOptions) {
  const older = { "claim.epoch": { $not: { $gte: epoch } } };
  return {
    orphans: () =>
      commands
        .find({ channelId, state: { $in: ["running", "unknown"] }, ...older })
        .sort({ lane: 1, ord: 1 })
        .limit(orphansMax)
        .toArray(),
    async settleOrphans(orphans: readonly Orphan[]) {
      const updates = orphans.map(({ command: { _id, state }, next }) => ({
        updateOne: {
          filter: {
            ...{ _id, state, ...older },
            // Its owner may have begun to send it since it was found.
            ...(next === "queue" ? { relayStartedAt: { $exists: false } } : {}),
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
    return [{ $set: { state: commandSteps.requeue.to, claimableFrom: epoch } }, { $unset: "claim" }];
  if (next === "keep") return [{ $set: { claim: stamp } }];
  return [{ $set: { ...settlementFields(next), claim: stamp } }];
}
