import type { Collection, Document, Filter } from "mongodb";
import type { CommandDocument } from "#shared/collections.ts";
import { durable } from "#shared/database.ts";
import { type ErrorCode, errorCatalog, type PublicError } from "#shared/errors.ts";
import { assertHeld, type Fence } from "../ownership/fence.ts";
import { claimableTogether, commandSteps, type DueCommand, dueStep } from "./command-lifecycle.ts";
import { invalidCommand, queuedProblems } from "./command-validation.ts";
import { type Settlement, settlementFields } from "./settlement.ts";

/** A command whose turn came and that is not carried out. */
export interface Unclaimable {
  command: CommandDocument;
  settlement: Extract<Settlement, { error: PublicError }>;
}

/** Tells of commands that end. Called before it is written, and possibly again after a crash. */
export type ReportUnclaimable = (spent: readonly Unclaimable[]) => Promise<void>;

export interface ClaimOptions {
  commands: Collection<CommandDocument>;
  fence: Fence;
  /** What a claim says of who has it. */
  stamp: Document;
  /** Holds for what is claimed by this owner. */
  mine: Filter<CommandDocument>;
}

const lanes = [0, 1, 2] as const;
const expireMax = 100;
const queued = commandSteps.claim.from[0];

/** Finds a channel's queued commands whose turn has come, and takes them or ends them. */
export function commandClaims({ commands, fence, stamp, mine }: ClaimOptions) {
  const { channelId, epoch } = fence;
  const free = { state: queued, claimableFrom: { $not: { $gt: epoch } } };
  const find = (filter: object, due: Document, limit: number) =>
    commands
      .aggregate<DueCommand>([
        // What another service calls queued has no `attempts` until it is adopted.
        { $match: { channelId, ...free, attempts: { $ne: null }, ...filter } },
        { $match: { $expr: due } },
        { $sort: { lane: 1, ord: 1, _id: 1 } },
        { $limit: limit },
        { $set: { isExpired: isOverdue } },
      ])
      .toArray();
  /** The event comes first: who dies between the two leaves a command that ends, and is told of, once more. */
  const end = async (spent: Unclaimable[], tell: ReportUnclaimable) => {
    if (spent.length === 0) return;
    await tell(spent);
    const updates = spent.map(({ command: { _id }, settlement }) => ({
      updateOne: {
        filter: { _id, state: queued },
        update: [{ $set: { ...settlementFields(settlement), claim: stamp } }],
      },
    }));
    await commands.bulkWrite(updates, { ordered: false, ...durable });
  };
  const take = async (due: DueCommand[]): Promise<CommandDocument[]> => {
    if (due.length === 0) return [];
    const ids = due.map(({ _id }) => _id);
    const update = [
      { $set: { state: commandSteps.claim.to, attempts: { $add: ["$attempts", 1] }, claim: stamp } },
    ];
    // Each by itself: the driver repeats that when the primary changes, and `updateMany` not.
    const updates = ids.map((_id) => ({ updateOne: { filter: { _id, ...free }, update } }));
    assertHeld(fence);
    const { modifiedCount } = await commands.bulkWrite(updates, { ordered: false, ...durable });
    if (modifiedCount === due.length) return due;
    const ours = new Set(await commands.distinct("_id", { _id: { $in: ids }, ...mine }));
    return due.filter(({ _id }) => ours.has(_id));
  };

  return {
    /** The next commands of these lanes in order; resolves empty when there are none. */
    async claim(wanted: readonly CommandDocument["lane"][], limit: number, tell: ReportUnclaimable) {
      // A lane that does not exist is in every one, to be refused.
      const others = lanes.filter((lane) => !wanted.includes(lane));
      for (;;) {
        const found = await find({ lane: { $nin: others } }, isDue, limit);
        const spent = found.map(unclaimable).filter((one) => one !== null);
        await end(spent, tell);
        const gone = new Set(spent.map(({ command }) => command._id));
        const claimed = await take(claimableTogether(found.filter(({ _id }) => !gone.has(_id))));
        // What is due may stand behind any number of those that are not carried out.
        if (claimed.length > 0 || found.length === 0) return claimed;
      }
    },
    /** Ends those that are too old, and takes none. */
    async expire(tell: ReportUnclaimable) {
      for (;;) {
        const found = await find({}, isOverdue, expireMax);
        if (found.length === 0) return;
        await end(
          found.map((command) => unclaimable(command) ?? { command, settlement: expired }),
          tell,
        );
      }
    },
  };
}

const isOverdue = { $lte: ["$expiresAt", "$$NOW"] };
const isDue = { $or: [{ $lte: ["$notBefore", "$$NOW"] }, isOverdue] };

function unclaimable(command: DueCommand): Unclaimable | null {
  const problems = queuedProblems(command);
  if (problems.length > 0) {
    return { command, settlement: { state: commandSteps.reject.to, error: invalidCommand(problems) } };
  }
  const turn = dueStep(command);
  if (turn === "claim") return null;
  return { command, settlement: turn === "expire" ? expired : exhausted(command) };
}

const expired: Unclaimable["settlement"] = { state: commandSteps.expire.to, error: errorOf("expired") };

/** What is no message has nothing that could have left. */
function exhausted({ type }: CommandDocument): Unclaimable["settlement"] {
  const code = type === "message.send" ? "not_sent" : "internal";
  return { state: commandSteps.exhaust.to, error: errorOf(code) };
}

function errorOf(code: ErrorCode): PublicError {
  return { code, message: errorCatalog[code].title };
}
