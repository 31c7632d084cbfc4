import type { Long } from "mongodb";
import type { Collections } from "#shared/database.ts";
import { isText, openByChannel } from "../ownership/open-commands.ts";
import { invalidCommand } from "./command-validation.ts";

const straysMax = 500;
const problems = [{ field: "channelId", message: "must name a channel" }];

const isNoText = (field: string) => ({ $not: [isText(field)] });

/**
 * Fails open commands whose channel does not exist: nobody would ever claim them. Another service can insert one that looks
 * adopted. A channel's own commands are not among them, since the channel exists before them.
 */
export async function refuseStrays({ commands }: Pick<Collections, "commands">): Promise<void> {
  const found = await commands
    .aggregate<{ hash: Long }>([
      ...openByChannel(),
      { $match: { $or: [{ channel: [] }, { $expr: isNoText("$_id") }] } },
      { $limit: straysMax },
      { $project: { _id: 0, hash: { $toHashedIndexKey: "$_id" } } },
    ])
    .toArray();
  if (found.length === 0) return;
  const hashes = found.map(({ hash }) => hash);
  const isStray = {
    $or: [isNoText("$channelId"), { $in: [{ $toHashedIndexKey: "$channelId" }, hashes] }],
  };
  await commands.updateMany(
    { state: { $in: ["queued", "running"] }, attempts: { $ne: null } as never, $expr: isStray },
    [{ $set: { state: "failed", error: { $literal: invalidCommand(problems) }, doneAt: "$$NOW" } }],
  );
}
