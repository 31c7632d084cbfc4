import type { Collection, Document, Filter } from "mongodb";
import type { CommandDocument } from "#shared/collections.ts";
import { durable } from "#shared/database.ts";
import { type ErrorCode, errorCatalog, type PublicError } from "#shared/errors.ts";
import { newMessageId } from "#shared/ids.ts";
import { assertHeld, type Fence } from "../ownership/fence.ts";
import {
  claimableTogether,
  claimsMax,
  commandSteps,
  type DueCommand,
  dueStep,
  epochLeadMax,
} from "./command-lifecycle.ts";
import { invalidCommand, queuedProblems } from "./command-validation.ts";
import type { CommandWrites } from "./command-writes.ts";
import { refuseUnreadable } from "./refuse-commands.ts";
import type { Send } from "./send-settlement.ts";
import { type Settlement, settlementFields } from "./settlement.ts";
import { asStored, commandBytesMax, readStoredDocuments } from "./stored-document.ts";

/** A due command that is settled instead of claimed. */
export interface Unclaimable {
  command: CommandDocument;
  settlement: Extract<Settlement, { error: PublicError }>;
}

/** Publishes how unclaimable commands end. Called before they are settled, and possibly again after a crash. */
export type ReportUnclaimable = (unclaimable: readonly Unclaimable[]) => Promise<void>;

export interface ClaimOptions {
  commands: Collection<CommandDocument>;
  writes: CommandWrites;
  fence: Fence;
  /** Names the owner in a claim. */
  stamp: Document;
  /** Matches what this owner has claimed. */
  mine: Filter<CommandDocument>;
}

/** Claimed sends, and whether the queue may hold more that are due. */
export interface ClaimedSends {
  sends: Send[];
  isMore: boolean;
}

const lanes = [0, 1, 2] as const;
const expireMax = 100;
const queued = commandSteps.claim.from[0];

/** Finds a channel's due commands, and claims or settles them. */
export function commandClaims(options: ClaimOptions) {
  const claimNext = async (
    wanted: readonly CommandDocument["lane"][],
    limit: number,
    report: ReportUnclaimable,
    claimThese: (due: DueCommand[]) => Promise<CommandDocument[]>,
  ) => {
    for (;;) {
      const found = await findDue(options, { lane: { $nin: othersThan(wanted) } }, isDue, limit);
      const ending = found.map(unclaimable).filter((one) => one !== null);
      await settle(options, ending, report);
      const ended = new Set(ending.map(({ command }) => command._id));
      const claimed = await claimThese(claimableTogether(found.filter(({ _id }) => !ended.has(_id))));
      const isMore = found.length >= limit || claimed.length + ended.size < found.length;
      // Any number of unclaimable commands may be queued ahead of a claimable one.
      if (claimed.length > 0 || found.length === 0) return { claimed, isMore };
    }
  };
  return {
    /** The next commands of these lanes in order; resolves to an empty array when none is due. */
    async claim(wanted: readonly CommandDocument["lane"][], limit: number, report: ReportUnclaimable) {
      return (await claimNext(wanted, limit, report, (due) => take(options, due))).claimed;
    },
    async claimBegun(relayedBy: string, limit: number, report: ReportUnclaimable): Promise<ClaimedSends> {
      const claimThese = (due: DueCommand[]) => takeBegun(options, due, relayedBy);
      const { claimed, isMore } = await claimNext([1, 2], limit, report, claimThese);
      return { sends: claimed as Send[], isMore };
    },
    async claimOne(relayedBy: string, report: ReportUnclaimable) {
      const messageId = newMessageId();
      const marks = beginFields(relayedBy, messageId);
      const claimed = await claimNow(options, [1, 2], marks, { report, messageId });
      return claimed as Send[] | null;
    },
    claimControl: () => claimNow(options, [0], {}, { report: async () => undefined }),
    /** Settles expired commands and claims none. */
    async expire(report: ReportUnclaimable) {
      for (;;) {
        const found = await findDue(options, {}, isOverdue, expireMax);
        if (found.length === 0) return;
        const ending = found.map((command) => unclaimable(command) ?? { command, settlement: expired });
        await settle(options, ending, report);
      }
    },
  };
}

/** The lanes to exclude, instead of naming these: so a command in a lane that does not exist is refused. */
const othersThan = (wanted: readonly CommandDocument["lane"][]) =>
  lanes.filter((lane) => !wanted.includes(lane));

/** Matches queued commands that this epoch may claim. */
function free({ epoch }: Fence): Filter<CommandDocument> {
  return { state: queued, claimableFrom: { $not: { $gt: epoch, $lt: epoch + epochLeadMax } } };
}

async function findDue(
  { commands, fence }: ClaimOptions,
  filter: object,
  due: Document,
  limit: number,
): Promise<DueCommand[]> {
  // A document that another service inserted as queued has no `attempts` until it is adopted.
  const claimable = { channelId: fence.channelId, ...free(fence), attempts: { $ne: null } };
  const pipeline = [
    { $match: { ...claimable, ...filter } },
    { $match: { $expr: due } },
    { $sort: { lane: 1, ord: 1, _id: 1 } },
    { $limit: limit },
    { $project: asStored(commandBytesMax, { isExpired: isOverdue }) },
  ];
  for (;;) {
    const stored = await readStoredDocuments(commands.aggregate(pipeline, { raw: true }));
    const found = await refuseUnreadable(commands, claimable, stored);
    if (found.length > 0 || stored.length === 0)
      return found.map(({ document, facts }) => ({ ...document, isExpired: facts.isExpired }) as DueCommand);
  }
}

/** Publishes first: after a crash between the two, the command is published and settled once more. */
async function settle({ commands, stamp }: ClaimOptions, ending: Unclaimable[], report: ReportUnclaimable) {
  if (ending.length === 0) return;
  await report(ending);
  const updates = ending.map(({ command: { _id }, settlement }) => ({
    updateOne: {
      filter: { _id, state: queued },
      update: [{ $set: { ...settlementFields(settlement), claim: stamp } }],
    },
  }));
  await commands.bulkWrite(updates, { ordered: false, ...durable });
}

function take(options: ClaimOptions, due: DueCommand[]): Promise<CommandDocument[]> {
  return update(
    options,
    due.map((command) => ({ command, filter: {}, marks: {} })),
  );
}

/** A one-time code must not go out hours late: one that has expired since it was found is not claimed. */
function takeBegun(options: ClaimOptions, due: DueCommand[], relayedBy: string): Promise<CommandDocument[]> {
  return update(
    options,
    due.map((found) => {
      const messageId = found.messageId ?? newMessageId();
      return {
        command: { ...found, messageId },
        filter: isInTime,
        marks: beginFields(relayedBy, messageId),
      };
    }),
  );
}

/** Whether a document is certainly one of the functions', which can be read as it is. */
const isOurs = {
  $and: [{ $lte: ["$adoptedAt", null] }, { $lte: [{ $bsonSize: "$$ROOT" }, commandBytesMax] }],
};

/**
 * Resolves to the claimed command, to an empty array if it was settled instead, and to null if none could be claimed. `messageId`
 * is for a send that has none.
 */
async function claimNow(
  options: ClaimOptions,
  wanted: readonly CommandDocument["lane"][],
  marks: Document,
  { report, messageId }: { report: ReportUnclaimable; messageId?: string },
): Promise<CommandDocument[] | null> {
  const { commands, fence } = options;
  const inTime = { $and: [{ $lte: ["$notBefore", "$$NOW"] }, { $gt: ["$expiresAt", "$$NOW"] }] };
  // Passes over commands that have expired or were tried too often: nothing goes out for them.
  const due = {
    channelId: fence.channelId,
    ...free(fence),
    lane: { $nin: othersThan(wanted) },
    attempts: { $lt: claimsMax },
  };
  const claimed = { $mergeObjects: ["$$ROOT", claimFields(options), marks] };
  assertHeld(fence);
  const found = await commands.findOneAndUpdate(
    { ...due, $expr: inTime } as Filter<CommandDocument>,
    [{ $replaceWith: { $cond: [isOurs, claimed, "$$ROOT"] } }],
    {
      sort: { lane: 1, ord: 1, _id: 1 },
      projection: { document: { $cond: [isOurs, "$$ROOT", null] } },
      returnDocument: "before",
      ...durable,
    },
  );
  const stored = claimedDocument(found);
  if (!stored) return null;
  const command = { ...stored, ...(messageId && { messageId: stored.messageId ?? messageId }) };
  const problems = queuedProblems(command);
  if (problems.length === 0) return [command];
  const settlement = { state: commandSteps.fail.to, error: invalidCommand(problems) };
  await report([{ command, settlement }]);
  await settleClaimed(options, command, settlement);
  return [];
}

/**
 * To a repeated attempt, whose first answer was lost, the server answers with the whole document, without the projection: it was claimed
 * then, since an attempt that claimed nothing is carried out anew.
 */
function claimedDocument(found: CommandDocument | { document: CommandDocument | null } | null) {
  return found && "document" in found ? found.document : found;
}

async function settleClaimed(
  { writes, fence, mine }: ClaimOptions,
  { _id }: CommandDocument,
  settlement: Settlement,
): Promise<void> {
  const update = [{ $set: settlementFields(settlement) }];
  await writes.settlements.submit({ fence, updates: [{ filter: { _id, ...mine }, update }] });
}

function claimFields({ stamp }: Pick<ClaimOptions, "stamp">): Document {
  return { state: commandSteps.claim.to, attempts: { $add: ["$attempts", 1] }, claim: stamp };
}

/** `messageId` is for a send that has none. */
function beginFields(relayedBy: string, messageId: string): Document {
  return {
    relayStartedAt: "$$NOW",
    messageId: { $ifNull: ["$messageId", { $literal: messageId }] },
    relayedBy: { $literal: relayedBy },
  };
}

interface Claim {
  command: DueCommand;
  /** Must match, too. */
  filter: Filter<CommandDocument>;
  /** Fields that the claim sets, too. */
  marks: Document;
}

async function update(
  { commands, writes, fence, stamp, mine }: ClaimOptions,
  claims: Claim[],
): Promise<CommandDocument[]> {
  const due = claims.map(({ command }) => command);
  if (due.length === 0) return [];
  const claimed = claimFields({ stamp });
  // One update each: the driver retries `updateOne` when the primary changes, but not `updateMany`.
  const updates = claims.map(({ command: { _id }, filter, marks }) => ({
    filter: { _id, ...free(fence), ...filter },
    update: [{ $set: { ...claimed, ...marks } }],
  }));
  if (await writes.claims.submit({ fence, updates })) return due;
  const ids = due.map(({ _id }) => _id);
  const ours = new Set(await commands.distinct("_id", { _id: { $in: ids }, ...mine }));
  return due.filter(({ _id }) => ours.has(_id));
}

const isOverdue = { $lte: ["$expiresAt", "$$NOW"] };
const isInTime = { $expr: { $gt: ["$expiresAt", "$$NOW"] } };
const isDue = { $or: [{ $lte: ["$notBefore", "$$NOW"] }, isOverdue] };

function unclaimable(command: DueCommand): Unclaimable | null {
  const problems = queuedProblems(command);
  if (problems.length > 0) {
    return { command, settlement: { state: commandSteps.reject.to, error: invalidCommand(problems) } };
  }
  const step = dueStep(command);
  if (step === "claim") return null;
  return { command, settlement: step === "expire" ? expired : exhausted(command) };
}

const expired: Unclaimable["settlement"] = { state: commandSteps.expire.to, error: errorOf("expired") };

/** Only a message could have been sent, so only a message is `not_sent`. */
function exhausted({ type }: CommandDocument): Unclaimable["settlement"] {
  const code = type === "message.send" ? "not_sent" : "internal";
  return { state: commandSteps.exhaust.to, error: errorOf(code) };
}

function errorOf(code: ErrorCode): PublicError {
  return { code, message: errorCatalog[code].title };
}
