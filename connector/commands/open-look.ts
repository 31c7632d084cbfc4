import type { Collection, Db, Document } from "mongodb";
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
      const [only] = ids;
      const isOne = only !== undefined && ids.length === 1;
      const found = isOne ? new Map([[only, await lookAt(db, only)]]) : await lookAtAll(db, ids);
      return channelIds.map((channelId) => found.get(channelId) ?? nothing);
    },
  }),
);

const nothing: OpenCommands = { hasQueued: false, hasBegun: false, isDeleted: false };
/** Looks for queued ones first: of a command that is claimed meanwhile, either look finds it. */
const [queued, begun] = [["queued"], ["running", "unknown"]] as const;
const primary = { readPreference: "primary" } as const;

/** Takes two thirds of the time of `lookAtAll` for one. */
async function lookAt(db: Db, channelId: string): Promise<OpenCommands> {
  const sign = (what: keyof OpenCommands) => ({ $project: { _id: 0, what: { $literal: what } } });
  const openIn = (states: readonly CommandDocument["state"][], what: keyof OpenCommands) => [
    { $match: { channelId: { $eq: channelId }, state: { $in: [...states] } } },
    { $limit: 1 },
    sign(what),
  ];
  const deletedOne = [{ $match: { _id: { $eq: channelId }, deletedAt: { $ne: null } } }, sign("isDeleted")];
  const pipeline = [
    ...openIn(queued, "hasQueued"),
    { $unionWith: { coll: collectionNames.commands, pipeline: openIn(begun, "hasBegun") } },
    { $unionWith: { coll: collectionNames.channels, pipeline: deletedOne } },
  ];
  const signs = db.collection(collectionNames.commands).aggregate<{ what: string }>(pipeline, primary);
  const seen = (await signs.toArray()).map(({ what }) => [what, true]);
  return { ...nothing, ...Object.fromEntries(seen) };
}

async function lookAtAll(db: Db, ids: readonly string[]): Promise<Map<string, OpenCommands>> {
  const pipeline = [
    { $documents: ids.map((_id) => ({ _id: { $literal: _id } })) },
    { $lookup: anyOf(queued, "queued") },
    { $lookup: anyOf(begun, "begun") },
    { $lookup: ifDeleted("deleted") },
  ];
  const found = await db.aggregate<Found>(pipeline, primary).toArray();
  return new Map(
    found.map((one) => [
      one._id,
      { hasQueued: one.queued.length > 0, hasBegun: one.begun.length > 0, isDeleted: one.deleted.length > 0 },
    ]),
  );
}

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

function anyOf(states: readonly CommandDocument["state"][], as: string): Document {
  return {
    from: collectionNames.commands,
    localField: "_id",
    foreignField: "channelId",
    pipeline: [
      { $match: { state: { $in: [...states] } } },
      { $limit: 1 },
      { $project: { _id: 0, is: { $literal: true } } },
    ],
    as,
  };
}
