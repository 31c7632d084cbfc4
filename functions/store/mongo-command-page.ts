import { type Collection, type Filter, ObjectId, Timestamp } from "mongodb";
import type { CommandDocument } from "#shared/collections.ts";
import { commandStates } from "#shared/commands.ts";
import type { CommandPage, CommandQuery } from "./store.ts";

const lanes: CommandDocument["lane"][] = [0, 1, 2];

/**
 * A page of a channel's commands, the newest first. Every state and every lane is named, so that the index by which
 * connectors look for work gives them in order, without another index that each send would pay for. What another service
 * inserted is in the list once it is queued; what was refused has no place in the order.
 */
export async function commandPage(
  commands: Collection<CommandDocument>,
  { channelId, state, type, after, limit }: CommandQuery,
): Promise<CommandPage> {
  const filter = {
    channelId,
    state: { $in: state ? [state] : [...commandStates] },
    lane: { $in: lanes },
    ord: { $type: "timestamp" as const },
    ...(type && { type }),
    ...(after && afterPlace(after)),
  };
  const found = await commands
    .find(filter)
    .sort({ ord: -1, _id: -1 })
    .hint("next")
    .limit(limit + 1)
    .toArray();
  const page = found.slice(0, limit);
  const last = found.length > limit ? page.at(-1) : undefined;
  return { commands: page, nextPlace: last ? placeOf(last) : null };
}

function placeOf({ ord, _id }: Pick<CommandDocument, "ord" | "_id">): string {
  const id: unknown = _id;
  const order = ord.toBigInt().toString(16).padStart(16, "0");
  return `${order} ${id instanceof ObjectId ? `o${id.toHexString()}` : `s${_id}`}`;
}

/** `$expr` compares ids of every kind, where a plain `$lt` only sees its own. */
function afterPlace(place: string): Filter<CommandDocument> {
  const [order = "", kind = ""] = [place.slice(0, 16), place.slice(17, 18)];
  const text = place.slice(18);
  const id = kind === "o" ? ObjectId.createFromHexString(text) : text;
  const ord = new Timestamp(BigInt(`0x${order}`));
  return {
    ord: { $lte: ord },
    $expr: { $or: [{ $lt: ["$ord", ord] }, { $lt: ["$_id", { $literal: id }] }] },
  };
}
