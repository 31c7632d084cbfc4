import type { Collection, Document } from "mongodb";
import type { CommandDocument } from "../shared/collections.ts";
import type { PublicError } from "../shared/errors.ts";
import type { Fence } from "./auth/fence.ts";

/** How a command ended. */
export type Settlement =
  | { state: "succeeded" | "unknown"; result: Record<string, unknown> }
  | { state: "failed" | "dead"; error: PublicError };

/** One channel's commands, as its owner works on them. Only the owner claims, so the lease is the lock. */
export interface CommandQueue {
  /** The next commands in order, now `running`; those that are too old come back as `expired`, settled. */
  claim(lanes: readonly CommandDocument["lane"][], limit: number): Promise<Claimed>;
  /** Only those that are too old. */
  expire(): Promise<CommandDocument[]>;
  /** Says that from now on the stanza may be on the wire, under this id. */
  startRelay(id: string, messageId: string): Promise<void>;
  /** Puts claimed commands back to where they were. */
  unclaim(ids: readonly string[]): Promise<void>;
  /** Resolves when it is written; what comes in the same moment is written together. */
  settle(id: string, settlement: Settlement): Promise<void>;
  /** A later receipt says that an `unknown` message arrived after all. */
  settleUnknown(messageId: string, result: Record<string, unknown>): Promise<void>;
  /** What a former owner left running: back in the queue, or `unknown` if it may have been on the wire; those are returned. */
  settleAbandoned(): Promise<CommandDocument[]>;
}

interface Claimed {
  claimed: CommandDocument[];
  expired: CommandDocument[];
}

const majority = { writeConcern: { w: "majority", j: true } } as const;
const expiredError: PublicError = { code: "expired", message: "The command was too old to be carried out" };
export function commandQueue(
  commands: Collection<CommandDocument>,
  fence: Fence,
  connectorId: string,
): CommandQueue {
  const { channelId, epoch } = fence;
  const mine = { state: "running" as const, "claim.epoch": epoch };
  const settleSoon = batched(commands, mine);

  const claimWhere = async (filter: object, limit: number): Promise<Claimed> => {
    const next = await commands
      .aggregate<CommandDocument & { isExpired: boolean }>([
        // What another service calls queued has no `attempts` until it is adopted.
        { $match: { channelId, state: "queued", attempts: { $gte: 0 }, ...filter } },
        { $match: { $expr: { $lte: ["$notBefore", "$$NOW"] } } },
        { $sort: { lane: 1, ord: 1, _id: 1 } },
        { $limit: limit },
        { $set: { isExpired: { $lte: ["$expiresAt", "$$NOW"] } } },
      ])
      .toArray();
    const expired = next.filter(({ isExpired }) => isExpired);
    const due = next.filter(({ isExpired }) => !isExpired);
    return { expired: await markExpired(expired), claimed: await markRunning(due) };
  };
  const markExpired = async (found: CommandDocument[]) => {
    if (found.length === 0) return [];
    const ids = found.map(({ _id }) => _id);
    await commands.updateMany(
      { _id: { $in: ids }, state: "queued" },
      [{ $set: { state: "expired", error: { $literal: expiredError }, doneAt: "$$NOW", claim: stamp() } }],
      majority,
    );
    return found;
  };
  const markRunning = async (found: CommandDocument[]) => {
    if (found.length === 0) return [];
    const ids = found.map(({ _id }) => _id);
    const { modifiedCount } = await commands.updateMany(
      { _id: { $in: ids }, state: "queued" },
      [{ $set: { state: "running", attempts: { $add: ["$attempts", 1] }, claim: stamp() } }],
      majority,
    );
    if (modifiedCount === found.length) return found;
    const ours = new Set(await commands.distinct("_id", { _id: { $in: ids }, ...mine }));
    return found.filter(({ _id }) => ours.has(_id));
  };
  const stamp = () => ({ connector: connectorId, epoch, at: "$$NOW" });

  return {
    async claim(lanes, limit) {
      const expired: CommandDocument[] = [];
      for (;;) {
        const found = await claimWhere({ lane: { $in: lanes } }, limit);
        expired.push(...found.expired);
        // What is due may stand behind any number of those that are too old.
        if (found.claimed.length > 0 || found.expired.length === 0)
          return { claimed: found.claimed, expired };
      }
    },
    async expire() {
      const overdue = { $expr: { $lte: ["$expiresAt", "$$NOW"] } };
      return (await claimWhere(overdue, 100)).expired;
    },
    async startRelay(id, messageId) {
      const { matchedCount } = await commands.updateOne(
        { _id: id, ...mine },
        [{ $set: { relayStartedAt: "$$NOW", messageId: { $literal: messageId } } }],
        majority,
      );
      if (matchedCount === 0) throw new Error("The command is not ours any more");
    },
    async unclaim(ids) {
      if (ids.length === 0) return;
      await commands.updateMany(
        { _id: { $in: [...ids] }, ...mine },
        { $set: { state: "queued" }, $inc: { attempts: -1 }, $unset: { claim: "", relayStartedAt: "" } },
        majority,
      );
    },
    settle: (id, settlement) => settleSoon(id, settlement),
    async settleUnknown(messageId, result) {
      await commands.updateOne(
        { channelId, messageId, state: "unknown" },
        [
          {
            $set: {
              state: "succeeded",
              result: { $mergeObjects: ["$result", { $literal: result }] },
              doneAt: "$$NOW",
            },
          },
          { $unset: "error" },
        ],
        majority,
      );
    },
    async settleAbandoned() {
      const older = { channelId, state: "running" as const, "claim.epoch": { $lt: epoch } };
      await commands.updateMany(
        { ...older, relayStartedAt: { $exists: false } },
        { $set: { state: "queued" }, $unset: { claim: "" } },
        majority,
      );
      const left = await commands.find(older).toArray();
      const result = { messageId: "$messageId", status: "unknown" };
      await commands.updateMany(older, [{ $set: { state: "unknown", result, doneAt: "$$NOW" } }], majority);
      return left;
    },
  };
}

/** Collects what is settled while a write is under way into the next one. */
function batched(commands: Collection<CommandDocument>, mine: object) {
  let waiting: Array<{ id: string; settlement: Settlement; done: PromiseWithResolvers<void> }> = [];
  let isWriting = false;
  const drain = async () => {
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      const updates = batch.map(({ id, settlement }) => ({
        updateOne: {
          filter: { _id: id, ...mine },
          update: [settled(settlement)],
        },
      }));
      try {
        await commands.bulkWrite(updates, { ordered: false, ...majority });
        for (const { done } of batch) done.resolve();
      } catch (error) {
        for (const { done } of batch) done.reject(error);
      }
    }
    isWriting = false;
  };
  return (id: string, settlement: Settlement): Promise<void> => {
    const done = Promise.withResolvers<void>();
    waiting.push({ id, settlement, done });
    if (!isWriting) {
      isWriting = true;
      queueMicrotask(() => void drain());
    }
    return done.promise;
  };
}

function settled(settlement: Settlement): Document {
  const outcome =
    "result" in settlement
      ? { result: { $literal: settlement.result } }
      : { error: { $literal: settlement.error } };
  return { $set: { state: settlement.state, doneAt: "$$NOW", ...outcome } };
}
