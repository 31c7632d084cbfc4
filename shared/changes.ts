/** Names the changes that a process listens to, and builds the change stream that finds them. */

import { type ChangeStreamDocument, type Document, ObjectId } from "mongodb";
import {
  type ChannelDocument,
  type CommandDocument,
  collectionNames,
  type EventDocument,
} from "./collections.ts";
import { commandEnd, isEndReadable, isQueuedText, queuedText, shortText, updated } from "./shown-commands.ts";

/** How a command ended, as its document says. */
export type CommandEnd = Pick<CommandDocument, "state" | "result" | "error">;

/** The QR or pairing code in a channel's document, and the time at which it was there, by the database's clock. */
export interface ShownPairing extends Pick<ChannelDocument, "channelId" | "pairing"> {
  config: Pick<ChannelDocument["config"], "qrCode">;
  now: Date;
}

/** A command that was just queued. */
export interface QueuedCommand {
  commandId: string;
  /** Absent when there is no such lane. */
  lane?: CommandDocument["lane"];
  /** Its document as it was inserted: only a short text's, which looks like the functions'. Absent when the stream did not show it. */
  document?: CommandDocument;
}

/** A change says where to look; a query or a conditional write decides. */
export type Change =
  | ({
      topic: "command_queued";
      /** Null for a channel that cannot exist. */
      channelId: string | null;
      /** Another service inserted it: it has no `attempts` yet. */
      isForeign?: boolean;
    } & QueuedCommand)
  /** `_id` is as stored: another service may have let the driver choose it. */
  | { topic: "command_retried"; _id: string }
  /** `end` is null when the change does not show it. */
  | { topic: "command_ended"; commandId: string; end: CommandEnd | null }
  /** `row` returns null when only the database has it. Per channel, in the order of `seq`. */
  | { topic: "event_appended"; channelId: string; seq: number; row(): EventDocument | null }
  /** `shown` is absent when only the database has it. */
  | { topic: "pairing_changed"; channelId: string; shown?: ShownPairing }
  /** A channel was given back by its owner. */
  | { topic: "channel_freed"; channelId: string }
  /** A connector joined, drains or is dead. In write order, so it is draining before it gives channels back. */
  | { topic: "members_changed"; connectorId: string };

export type Topic = Change["topic"];

/** A larger command, or end of one, is not shown: every connector, or every process that waits for ends, receives it. */
const documentBytesMax = 4 * 1024;
/** A larger event is read from the log: the server ends a stream over a change above 16 MB. */
const rowBytesMax = 2 * 1024 * 1024;

const { channels, commands, connectors, events } = collectionNames;
const of = (coll: string, ...operationTypes: string[]) => ({
  "ns.coll": coll,
  operationType: { $in: operationTypes },
});
/** An update's description names a nested field by its dotted path, as a single key. */
const newOwner = { $getField: { field: "owner.connector", input: "$updateDescription.updatedFields" } };
const isFreed = { $eq: [newOwner, null] };
/** Whether an update changed `pairing`, or a field in it. */
const isPairing = {
  $anyElementTrue: [
    {
      $map: {
        input: { $objectToArray: { $ifNull: ["$updateDescription.updatedFields", {}] } },
        in: { $regexMatch: { input: "$$this.k", regex: "^pairing(\\.|$)" } },
      },
    },
  ],
};

/** Matches the changes of each topic. Fence rows in the log have no `seq`; only a retry removes `doneAt`. */
const matches: Record<Topic, Document[]> = {
  command_queued: [of(commands, "insert")],
  command_retried: [{ ...of(commands, "update"), "updateDescription.removedFields": "doneAt" }],
  command_ended: [
    of(commands, "delete", "replace"),
    {
      ...of(commands, "update"),
      "updateDescription.updatedFields.state": { $exists: true, $nin: ["queued", "running"] },
    },
  ],
  event_appended: [{ ...of(events, "insert"), "fullDocument.seq": { $exists: true } }],
  pairing_changed: [of(channels, "replace"), { ...of(channels, "update"), $expr: isPairing }],
  channel_freed: [{ ...of(channels, "update"), $expr: isFreed }],
  members_changed: [
    of(connectors, "insert"),
    { ...of(connectors, "update"), "updateDescription.updatedFields.state": { $exists: true } },
  ],
};

/** A change as the pipeline shows it. */
export interface ShownChange extends Pick<ChangeStreamDocument, "_id"> {
  operationType: "insert" | "update" | "replace" | "delete";
  ns: { coll: string };
  /** Text or an ObjectId; absent when it is longer than an id of ours, or of another kind. */
  id?: string | ObjectId;
  channelId?: string;
  lane?: CommandDocument["lane"];
  isForeign?: boolean;
  document?: CommandDocument;
  isRetry?: boolean;
  end?: CommandEnd;
  seq?: number;
  row?: EventDocument;
  isFreed?: boolean;
  isPairing?: boolean;
}

const isIn = (coll: string, then: unknown) => ({
  $cond: [{ $eq: ["$ns.coll", coll] }, then, "$$REMOVE"],
});

/**
 * The pipeline of a stream on the whole database. It must keep `_id`, the resume token; of documents it shows only what is
 * short and of a known kind, because the driver ends a stream over what it cannot read. No update is looked up again.
 */
export function changePipeline(topics: Iterable<Topic>, withRows: boolean): Document[] {
  const isObjectId = { $eq: [{ $type: "$documentKey._id" }, "objectId"] };
  const isAtMost = (bytesMax: number, field = "$fullDocument") => ({
    $lte: [{ $bsonSize: { $ifNull: [field, {}] } }, bytesMax],
  });
  const isShortEnd = { $and: [isEndReadable, isAtMost(documentBytesMax, updated)] };
  const isShortSend = { $and: [isQueuedText, isAtMost(documentBytesMax)] };
  return [
    // The server applies it while it scans the oplog, before it makes changes of what it found.
    { $match: { "ns.coll": { $in: [channels, commands, connectors, events] } } },
    { $match: { $or: [...new Set(topics)].flatMap((topic) => matches[topic]) } },
    {
      $project: {
        operationType: 1,
        "ns.coll": 1,
        id: { $cond: [isObjectId, "$documentKey._id", shortText("$documentKey._id")] },
        channelId: shortText("$fullDocument.channelId"),
        lane: isIn(commands, {
          $cond: [{ $in: ["$fullDocument.lane", [0, 1, 2]] }, "$fullDocument.lane", "$$REMOVE"],
        }),
        isForeign: isIn(commands, { $lte: ["$fullDocument.attempts", null] }),
        document: isIn(commands, { $cond: [isShortSend, queuedText, "$$REMOVE"] }),
        isRetry: isIn(commands, {
          $in: ["doneAt", { $ifNull: ["$updateDescription.removedFields", []] }],
        }),
        end: isIn(commands, { $cond: [isShortEnd, commandEnd, "$$REMOVE"] }),
        seq: isIn(events, { $cond: [{ $isNumber: "$fullDocument.seq" }, "$fullDocument.seq", "$$REMOVE"] }),
        ...(withRows && {
          row: isIn(events, { $cond: [isAtMost(rowBytesMax), "$fullDocument", "$$REMOVE"] }),
        }),
        isFreed: isIn(channels, isFreed),
        isPairing: isIn(channels, isPairing),
      },
    },
  ];
}

/** Translates a change of the stream; one update can mean several things. */
export function meaningsOf(shown: ShownChange): Change[] {
  const id = shown.id instanceof ObjectId ? shown.id.toHexString() : (shown.id ?? "");
  const { operationType, channelId = null, seq, row = null } = shown;
  switch (shown.ns.coll) {
    case commands:
      if (operationType === "insert") return [queued(shown, id, channelId)];
      return shown.isRetry
        ? [{ topic: "command_retried", _id: shown.id as string }]
        : [{ topic: "command_ended", commandId: id, end: shown.end ?? null }];
    case events:
      if (channelId === null || seq === undefined) return [];
      return [{ topic: "event_appended", channelId, seq, row: () => row }];
    case channels: {
      const isReplaced = operationType === "replace";
      return [
        ...(shown.isFreed ? [{ topic: "channel_freed", channelId: id } as const] : []),
        ...(shown.isPairing || isReplaced ? [{ topic: "pairing_changed", channelId: id } as const] : []),
      ];
    }
    default:
      return [{ topic: "members_changed", connectorId: id }];
  }
}

function queued(
  { lane, isForeign = false, document }: ShownChange,
  commandId: string,
  channelId: string | null,
): Change {
  const known = { ...(lane !== undefined && { lane }), ...(document && { document }) };
  return { topic: "command_queued", commandId, channelId, ...known, isForeign };
}
