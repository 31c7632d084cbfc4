import type { Collection, Filter } from "mongodb";
import type { CommandDocument } from "#shared/collections.ts";
import { durable } from "#shared/database.ts";
import type { Fence } from "../ownership/fence.ts";
import { commandClaims, type ReportUnclaimable } from "./claim.ts";
import { commandSteps } from "./command-lifecycle.ts";
import { commandOrphans, type Orphan } from "./orphans.ts";
import { createSettler } from "./settle.ts";
import type { Settlement } from "./settlement.ts";

/**
 * One channel's commands, as its owner works on them. Only the owner claims, so the lease is the lock. The states and the
 * steps between them are those of `command-life.ts`.
 */
export interface CommandQueue {
  /**
   * The next commands in order, now `running`. What is not carried out (too old, not valid, claimed in vain too often)
   * is given to `tell` and then ended; without `tell` nobody hears of it.
   */
  claim(
    lanes: readonly CommandDocument["lane"][],
    limit: number,
    tell?: ReportUnclaimable,
  ): Promise<CommandDocument[]>;
  /** Only ends those that are too old. */
  expire(tell?: ReportUnclaimable): Promise<void>;
  /**
   * Says that from now on the stanza may be on the wire, under this id and from this account. Throws `NotBegunError` when
   * it must not be: what was claimed in time may have waited for those before it.
   */
  startRelay(id: string, messageId: string, account: string): Promise<void>;
  /** Puts claimed commands, which were not on the wire, back to where they were. */
  unclaim(ids: readonly string[]): Promise<void>;
  /** Resolves when it is written; what comes in the same moment is written together. */
  settle(id: string, settlement: Settlement): Promise<void>;
  /** A later receipt or answer says that an `unknown` message arrived after all. */
  settleUnknown(messageId: string): Promise<void>;
  /** The `unknown` sends of an account that may go to the wire once more, in the order in which they did. */
  resendable(account: string): Promise<CommandDocument[]>;
  /** Says that from now on it may be on the wire a second time; false when it must not be. */
  startResend(id: string): Promise<boolean>;
  /** It was not on the wire a second time after all. */
  undoResend(id: string): Promise<void>;
  /** From here on no former owner can claim what is queued now: a claim may be on its way while its process stands still. */
  reserve(): Promise<void>;
  /** What former owners left `running` or `unknown`. */
  orphans(): Promise<CommandDocument[]>;
  /** Writes what is to become of what was left, each if it is still as it was found. */
  settleOrphans(left: readonly Orphan[]): Promise<void>;
}

/** A command that is another owner's by now, or that has become too old. */
export class NotBegunError extends Error {
  override readonly name = "NotBegunError";
}

const { claim: claimStep, begin, requeue, resend, confirm } = commandSteps;
const isInTime = { $expr: { $gt: ["$expiresAt", "$$NOW"] } };
const resendMax = 500;
const reportNothing: ReportUnclaimable = async () => undefined;

export function createCommandQueue(
  commands: Collection<CommandDocument>,
  fence: Fence,
  connectorId: string,
): CommandQueue {
  const { channelId, epoch } = fence;
  const stamp = { connector: connectorId, epoch, at: "$$NOW" };
  const mine = { state: begin.from[0], "claim.epoch": epoch };
  const settleSoon = createSettler(commands, mine);
  const { claim, expire } = commandClaims({ commands, fence, stamp, mine });
  /** An old code must not go out hours later. */
  const mayResend: Filter<CommandDocument> = {
    state: resend.from[0],
    "claim.epoch": epoch,
    relayStartedAt: { $exists: true },
    resentAt: { $exists: false },
    ...isInTime,
  };

  return {
    claim: (lanes, limit, tell = reportNothing) => claim(lanes, limit, tell),
    expire: (tell = reportNothing) => expire(tell),
    async startRelay(id, messageId, account) {
      const { matchedCount } = await commands.updateOne(
        { _id: id, ...mine, ...isInTime },
        [
          {
            $set: {
              relayStartedAt: "$$NOW",
              messageId: { $literal: messageId },
              relayedBy: { $literal: account },
            },
          },
        ],
        durable,
      );
      if (matchedCount === 0) throw new NotBegunError("The command is not ours any more, or too old");
    },
    async unclaim(ids) {
      if (ids.length === 0) return;
      await commands.updateMany(
        { _id: { $in: [...ids] }, ...mine },
        {
          $set: { state: requeue.to },
          $inc: { attempts: -1 },
          $unset: { claim: "", relayStartedAt: "", relayedBy: "" },
        },
        durable,
      );
    },
    settle: settleSoon,
    async settleUnknown(messageId) {
      await commands.updateOne(
        { channelId, messageId, state: confirm.from[0], "claim.epoch": { $lte: epoch } },
        [
          {
            $set: {
              state: confirm.to,
              result: { $mergeObjects: ["$result", { status: "sent" }] },
              doneAt: "$$NOW",
            },
          },
          { $unset: "error" },
        ],
        durable,
      );
    },
    resendable: (relayedBy) =>
      commands
        .find({ channelId, ...mayResend, relayedBy })
        .sort({ relayStartedAt: 1, ord: 1 })
        .limit(resendMax)
        .toArray(),
    async startResend(id) {
      const again = [{ $set: { resentAt: "$$NOW" } }];
      return (await commands.updateOne({ _id: id, ...mayResend }, again, durable)).matchedCount > 0;
    },
    async undoResend(id) {
      const still = { _id: id, state: resend.from[0], "claim.epoch": epoch };
      await commands.updateOne(still, { $unset: { resentAt: "" } }, durable);
    },
    async reserve() {
      await commands.updateMany(
        { channelId, state: claimStep.from[0] },
        { $max: { claimableFrom: epoch } },
        durable,
      );
    },
    ...commandOrphans({ commands, channelId, epoch, stamp }),
  };
}
