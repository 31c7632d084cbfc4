import type { Collection, Document } from "mongodb";
import type { CommandDocument } from "#shared/collections.ts";
import { durable } from "#shared/database.ts";
import { commandSteps } from "./command-life.ts";
import { type Settlement, settled } from "./command-settlement.ts";

/** A former owner's command, and what is to become of it. */
export interface LeftCommand {
  command: CommandDocument;
  /** `queue`: it was not on the wire; `keep`: it stays `unknown`, as ours. */
  becomes: Settlement | "queue" | "keep";
}

export interface LeftCommandsOptions {
  commands: Collection<CommandDocument>;
  channelId: string;
  epoch: number;
  /** What a claim says of who has it. */
  stamp: Document;
}

const leftMax = 500;

/** What former owners left behind; also what one that does not know yet that it was deposed takes too late. */
export function leftCommands({ commands, channelId, epoch, stamp }: LeftCommandsOptions) {
  const older = { "claim.epoch": { $not: { $gte: epoch } } };
  return {
    left: () =>
      commands
        .find({ channelId, state: { $in: ["running", "unknown"] }, ...older })
        .sort({ lane: 1, ord: 1 })
        .limit(leftMax)
        .toArray(),
    async settleLeft(left: readonly LeftCommand[]) {
      const updates = left.map(({ command: { _id, state }, becomes }) => ({
        updateOne: {
          filter: {
            ...{ _id, state, ...older },
            // Its owner may have begun to send it since it was found.
            ...(becomes === "queue" ? { relayStartedAt: { $exists: false } } : {}),
          },
          update: updateTo(becomes, stamp, epoch),
        },
      }));
      if (updates.length > 0) await commands.bulkWrite(updates, { ordered: false, ...durable });
    },
  };
}

function updateTo(becomes: LeftCommand["becomes"], stamp: Document, epoch: number): Document[] {
  if (becomes === "queue")
    return [{ $set: { state: commandSteps.putBack.to, claimableFrom: epoch } }, { $unset: "claim" }];
  if (becomes === "keep") return [{ $set: { claim: stamp } }];
  return [{ $set: { ...settled(becomes), claim: stamp } }];
}
