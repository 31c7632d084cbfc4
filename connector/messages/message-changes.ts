import type { Document, Filter, UpdateFilter } from "mongodb";
import type { MessageDocument } from "#shared/collections.ts";
import type { SeenMessage } from "./from-whatsapp/from-whatsapp.ts";
import type { SeenContent } from "./message-rows.ts";

/** A change of an earlier message. */
export type SeenChange = Exclude<SeenMessage, SeenContent>;

export function isChange(seen: SeenMessage): seen is SeenChange {
  return seen.type !== "incoming_message" && seen.type !== "outgoing_message";
}

type Update = UpdateFilter<MessageDocument> | Document[];

/** A group has at most 1,024 members, and each has one reaction. */
const reactionsMax = 1_024;

/** What a change does to the row of its message, and to which rows only; null when rows do not have it. A repetition changes nothing. */
export function foldOf(change: SeenChange): { only: Filter<MessageDocument>; update: Update } | null {
  const at = new Date(change.data.sentAt);
  switch (change.type) {
    case "message_edited": {
      const { message: text, content, mentions } = change.data;
      // What cannot be read leaves what was said before.
      const isReadable = content.type !== "unavailable";
      const said = isReadable ? { text, content, type: content.type } : {};
      return {
        only: { $or: [{ editedAt: { $exists: false } }, { editedAt: { $lte: at } }] },
        update: { $set: { ...said, ...(mentions && { "context.mentions": mentions }), editedAt: at } },
      };
    }
    case "message_deleted":
      return { only: { deletedAt: { $exists: false } }, update: { $set: { deletedAt: at } } };
    case "reaction":
      return change.data.emoji === undefined
        ? null
        : { only: {}, update: reaction(change.sender, change.data.emoji, at) };
    default:
      return null;
  }
}

/** Puts the reaction in the place of an earlier one of the same sender. */
function reaction(sender: string, emoji: string | null, at: Date): Document[] {
  const reactions = { $ifNull: ["$reactions", []] };
  const isNewer = { $and: [{ $eq: ["$$this.sender", { $literal: sender }] }, { $gt: ["$$this.at", at] }] };
  const others = {
    $filter: { input: reactions, cond: { $ne: ["$$this.sender", { $literal: sender }] } },
  };
  const own = emoji === null ? [] : [{ sender: { $literal: sender }, emoji: { $literal: emoji }, at }];
  const placed = { $slice: [{ $concatArrays: [others, own] }, -reactionsMax] };
  const hasNewer = { $anyElementTrue: [{ $map: { input: reactions, in: isNewer } }] };
  return [{ $set: { reactions: { $cond: [hasNewer, "$reactions", placed] } } }];
}
