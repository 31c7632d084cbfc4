import { type Collection, type Filter, ObjectId, Timestamp } from "mongodb";
import type { CommandDocument } from "#shared/collections.ts";
import { commandStates } from "#shared/commands.ts";
import { boundedRead } from "#shared/database.ts";
import { readableCommand } from "./readable-command.ts";
import type { CommandPage, CommandQuery } from "./store.ts";

const lanes: CommandDocument["lane"][] = [0, 1, 2];

/** A document that another service inserted may have any other `_id`, which no cursor could name. */
const hasId = { _id: { $type: ["string", "objectId"] } } as object;

/**
 * Reads a page of a channel's commands, newest first. The filter names every state and lane, so that the index `next`,
 * from which connectors claim, yields them in order; a further index would cost every send. A command of another
 * service is listed once it is queued; a refused one has no `ord` and is not listed.
 */
export async function commandPage(
  commands: Collection<CommandDocument>,
  { channelId, state, type, after, limit, signal }: CommandQuery,
): Promise<CommandPage> {
  const filter = {
    channelId,
    state: { $in: state ? [state] : [...commandStates] },
    lane: { $in: lanes },
    ord: { $type: "timestamp" as const },
    ...hasId,
    ...(type && { type }),
    ...(after && afterPlace(after)),
  };
  const found = await commands
    .find(filter, { projection: { payload: 0 }, signal, ...boundedRead })
    .sort({ ord: -1, _id: -1 })
    .hint("next")
    .limit(limit + 1)
    .toArray();
  const page = found.slice(0, limit).map(readableCommand);
  const last = found.length > limit ? page.at(-1) : undefined;
  return { commands: page, nextPlace: last ? placeOf(last) : null };
}

function placeOf({ ord, _id }: Pick<CommandDocument, "ord" | "_id">): string {
  const id: unknown = _id;
  const order = ord.toBigInt().toString(16).padStart(16, "0");
  return `${order} ${id instanceof ObjectId ? `o${id.toHexString()}` : `s${_id}`}`;
}

/** `$expr` compares ids of all types; a plain `$lt` matches only ids of the same type. */
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
