import type { Collection, Document } from "mongodb";
import { type CommandDocument, collectionNames } from "#shared/collections.ts";
import { oncePer } from "#shared/once-per.ts";
import { createSharedCall } from "#shared/shared-call.ts";

/** The open commands of a channel: whether some wait, and whether somebody works on some or their outcome is unknown. */
export interface OpenCommands {
  hasQueued: boolean;
  hasBegun: boolean;
  /** Whether the channel is deleted. */
  isDeleted: boolean;
}

/** Looks whether a channel has open commands, and whether it is deleted. Channels that look at the same moment share the command. */
export const openLooks = oncePer(({ db }: Collection<CommandDocument>) =>
  createSharedCall<string, OpenCommands>({
    async call(channelIds) {
      const ids = [...new Set(channelIds)];
      // Looks for queued ones first: of a command that is claimed meanwhile, either look finds it.
      const pipeline = [
        { $documents: ids.map((_id) => ({ _id: { $literal: _id } })) },
        { $lookup: anyOf(["queued"], "queued") },
        { $lookup: anyOf(["running", "unknown"], "begun") },
        { $lookup: ifDeleted("deleted") },
      ];
      const found = await db
        .aggregate<Found>(pipeline, {
          readPreference: "primary",
        })
        .toArray();
      const byId = new Map(found.map((one) => [one._id, one]));
      return channelIds.map((channelId) => {
        const { queued = [], begun = [], deleted = [] } = byId.get(channelId) ?? {};
        return { hasQueued: queued.length > 0, hasBegun: begun.length > 0, isDeleted: deleted.length > 0 };
      });
    },
  }),
);

interface Found {
  _id: string;
  queued: unknown[];
  begun: unknown[];
  deleted: unknown[];
}

function ifDeleted(as: string): Document {
  return {
    from: collectionNames.channels,
    localField: "_id",
    foreignField: "_id",
    pipeline: [{ $match: { deletedAt: { $ne: null } } }, { $project: { _id: 0, is: { $literal: true } } }],
    as,
  };
}

function anyOf(states: CommandDocument["state"][], as: string): Document {
  return {
    from: collectionNames.commands,
    localField: "_id",
    foreignField: "channelId",
    pipeline: [
      { $match: { state: { $in: states } } },
      { $limit: 1 },
      { $project: { _id: 0, is: { $literal: true } } },
    ],
    as,
  };
}
