import type { Document } from "mongodb";
import { collectionNames } from "#shared/collections.ts";
import type { Collections } from "#shared/database.ts";

/**
 * Finds the channels that have open commands, `among` these if given. The server drops what names no channel: other
 * services write `channelId`, too, and one that the driver cannot read would hide all others.
 */
export async function channelsWithCommands(
  { commands }: Pick<Collections, "commands">,
  among?: readonly string[],
): Promise<string[]> {
  const found = await commands.aggregate<{ _id: string }>([
    ...openByChannel(among),
    { $match: { channel: { $ne: [] }, $expr: isText("$_id") } },
    onlyId,
  ]);
  return (await found.toArray()).map(({ _id }) => _id);
}

/** Whether a field is text. Other values can name a channel as well: a list equals each of its elements. */
export function isText(field: string): Document {
  return { $eq: [{ $type: field }, "string"] };
}

/** Groups open commands by the `channelId` in them, each group with its channel, if that exists. */
export function openByChannel(among?: readonly string[]): Document[] {
  const channels = {
    from: collectionNames.channels,
    localField: "_id",
    foreignField: "_id",
    pipeline: [{ $project: { _id: 1 } }],
    as: "channel",
  };
  return [
    { $match: { ...(among && { channelId: { $in: [...among] } }), state: { $in: ["queued", "running"] } } },
    { $group: { _id: "$channelId" } },
    { $lookup: channels },
  ];
}

const onlyId = { $project: { _id: 1 } };
