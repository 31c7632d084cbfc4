import type { Long } from "mongodb";
import type { Collections } from "#shared/database.ts";
import { openByChannel } from "../ownership/open-commands.ts";
import { invalidCommand } from "./command-validation.ts";

const straysMax = 500;
const problems = [{ field: "channelId", message: "must name a channel" }];

/**
 * Fails open commands whose channel does not exist: nobody would ever claim them. Another service can insert one that looks
 * adopted. A channel's own commands are not among them, since the channel exists before them.
 */
export async function refuseStrays({ commands }: Pick<Collections, "commands">): Promise<void> {
  const found = await commands
    .aggregate<{ hash: Long }>([
      ...openByChannel(),
      { $match: { channel: [] } },
      { $limit: straysMax },
      { $project: { _id: 0, hash: { $toHashedIndexKey: "$_id" } } },
    ])
    .toArray();
  if (found.length === 0) return;
  const theirs = { $in: [{ $toHashedIndexKey: "$channelId" }, found.map(({ hash }) => hash)] };
  await commands.updateMany(
    { state: { $in: ["queued", "running"] }, attempts: { $ne: null } as never, $expr: theirs },
    [{ $set: { state: "failed", error: { $literal: invalidCommand(problems) }, doneAt: "$$NOW" } }],
  );
}
