/** Queues a channel's commands: adopts them, lets the owner claim and settle them, and rescues those whose owner died. */

import type { Collection } from "mongodb";
import type { CommandDocument } from "#shared/collections.ts";
import type { CommandType } from "#shared/commands.ts";
import { durable } from "#shared/database.ts";
import { insertTogether } from "#shared/insert-together.ts";
import { oncePer } from "#shared/once-per.ts";
import { dateOf, type Fence } from "../ownership/fence.ts";
import { type ClaimedSends, commandClaims, type ReportUnclaimable } from "./claim.ts";
import { claimsMax, commandSteps } from "./command-lifecycle.ts";
import { type CommandWrites, createCommandWrites } from "./command-writes.ts";
import { type OpenCommands, openLooks } from "./open-look.ts";
import { commandOrphans, type Orphan } from "./orphan-store.ts";
import { type RelayMarks, relayMarks } from "./relay-marks.ts";
import type { Send } from "./send-settlement.ts";
import { type Settlement, settlementFields } from "./settlement.ts";

/**
 * One channel's commands, as its owner works on them. Only the owner claims, so the lease is the lock.
 * `command-lifecycle.ts` has the states and the steps between them.
 */
export interface CommandQueue extends RelayMarks {
  /**
   * The next commands in order, now `running`. Those that cannot be carried out (expired, invalid, claimed unsuccessfully
   * too often) are passed to `report` and then settled.
   */
  claim(
    lanes: readonly CommandDocument["lane"][],
    limit: number,
    report?: ReportUnclaimable,
  ): Promise<CommandDocument[]>;
  /**
   * As `claim` for lanes 1 and 2, for sends that go out at once over this account: in the same write they are marked as
   * possibly on the wire. One that dies with its process before its message is recorded did not get there.
   */
  claimBegun(relayedBy: string, limit: number, report?: ReportUnclaimable): Promise<ClaimedSends>;
  /** Whether there is anything to claim or to rescue, due or not, and whether the channel is deleted. Channels that look at the same moment share a command. */
  look(): Promise<OpenCommands>;
  /** Whether a command that links the channel waits to be claimed. */
  hasPairing(): Promise<boolean>;
  /**
   * As `claimBegun`, for the one send that was just queued: claims the next one without looking first. Resolves to null when
   * that may be another service's document, or when none is due; `claimBegun` then tells.
   */
  claimOne(relayedBy: string, report?: ReportUnclaimable): Promise<Send[] | null>;
  /** As `claimOne`, for a control command. */
  claimControl(): Promise<CommandDocument[] | null>;
  /** The document of a new send, claimed as `claimBegun` does; null past the owner's deadline. */
  claimed(command: CommandDocument, relayedBy: string): CommandDocument | null;
  /**
   * Inserts such a document; channels share the writes. Resolves when it is durable. In the order of the calls, unless one stalls.
   */
  insert(claimed: CommandDocument): Promise<void>;
  /** Settles expired commands and claims none. */
  expire(report?: ReportUnclaimable): Promise<void>;
  /** Queues claimed commands again that did not reach the wire. */
  unclaim(ids: readonly string[]): Promise<void>;
  /** Resolves when the settlement is durable. Settlements of the same moment share a write. */
  settle(id: string, settlement: Settlement): Promise<void>;
  /** Removes the pairing codes from the results of settled commands: none of them works any more. */
  forgetPairingCodes(): Promise<void>;
  /** Settles an `unknown` send as succeeded: a later receipt or acknowledgement proved that it arrived. */
  settleUnknown(messageId: string): Promise<void>;
  /**
   * Keeps every former owner from claiming what is queued now: its claim may still be on its way while its process is
   * suspended.
   */
  reserve(): Promise<void>;
  /** The commands that former owners left `running` or `unknown`. */
  orphans(): Promise<CommandDocument[]>;
  /** Writes each orphan's next state, unless it has changed since it was found. */
  settleOrphans(orphans: readonly Orphan[]): Promise<void>;
}

/** The commands that link a channel. */
export const pairingTypes: readonly CommandType[] = ["channel.connect", "channel.request_pairing_code"];

const clockErrorMs = 1_000;
const claimedInsertions = oncePer((commands: Collection<CommandDocument>) => insertTogether(commands));
const { claim: claimStep, begin, requeue, confirm } = commandSteps;
const isDueInTime = {
  $expr: { $and: [{ $lte: ["$notBefore", "$$NOW"] }, { $gt: ["$expiresAt", "$$NOW"] }] },
};
const reportNothing: ReportUnclaimable = async () => undefined;

/** Pass the `writes` of the process, so that its channels share them. */
export interface CommandQueueOptions {
  /** Shared by the channels of a process. */
  writes?: CommandWrites;
  /** Called with a settlement once it is durable, if it has certainly changed the command. */
  onSettled?(id: string, settlement: Settlement): void;
}

export function createCommandQueue(
  commands: Collection<CommandDocument>,
  fence: Fence,
  connectorId: string,
  { writes = createCommandWrites(commands), onSettled }: CommandQueueOptions = {},
): CommandQueue {
  const { channelId, epoch } = fence;
  const stamp = { connector: connectorId, epoch, at: "$$NOW" };
  const mine = { state: begin.from[0], "claim.epoch": epoch };
  const { claim, claimBegun, claimOne, claimControl, expire } = commandClaims({
    ...{ commands, writes, fence, stamp, mine },
  });

  return {
    look: () => openLooks(commands).submit(channelId),
    claim: (lanes, limit, report = reportNothing) => claim(lanes, limit, report),
    claimBegun: (relayedBy, limit, report = reportNothing) => claimBegun(relayedBy, limit, report),
    async hasPairing() {
      const waiting = {
        ...{ channelId, state: claimStep.from[0], lane: 0 as const, type: { $in: [...pairingTypes] } },
        attempts: { $lt: claimsMax },
        ...isDueInTime,
      };
      return (await commands.findOne(waiting, { projection: { _id: 1 } })) !== null;
    },
    claimOne: (relayedBy, report = reportNothing) => claimOne(relayedBy, report),
    claimControl,
    claimed(command, relayedBy) {
      if (fence.isHeld?.() === false) return null;
      const at = dateOf(fence);
      const claim = { connector: connectorId, epoch, at };
      // The owner's clock is an estimate: once queued, the send must not be early.
      const notBefore = new Date(at.getTime() - clockErrorMs);
      return {
        ...command,
        notBefore,
        state: claimStep.to,
        attempts: 1,
        claim,
        relayStartedAt: at,
        relayedBy,
      };
    },
    insert: (claimed) => claimedInsertions(commands)(claimed),
    expire: (report = reportNothing) => expire(report),
    ...relayMarks({ commands, channelId, epoch }),
    async unclaim(ids) {
      if (ids.length === 0) return;
      const update = {
        $set: { state: requeue.to },
        $inc: { attempts: -1 },
        $unset: { claim: "" as const, relayStartedAt: "" as const, relayedBy: "" as const },
      };
      await commands.updateMany({ _id: { $in: [...ids] }, ...mine }, update, durable);
    },
    async settle(id, settlement) {
      const update = [{ $set: settlementFields(settlement) }];
      // The epoch in the filter decides: what an owner did may be settled past its deadline.
      const isSettled = await writes.settlements.submit({
        fence: { channelId, epoch },
        updates: [{ filter: { _id: id, ...mine }, update }],
      });
      if (isSettled) onSettled?.(id, settlement);
    },
    async forgetPairingCodes() {
      const settled = { channelId, state: "succeeded" as const, lane: 0 as const };
      const withCode = { type: "channel.request_pairing_code", "result.code": { $exists: true } };
      await commands.updateMany({ ...settled, ...withCode }, { $unset: { "result.code": "" } }, durable);
    },
    async settleUnknown(messageId) {
      const unknown = { channelId, messageId, state: confirm.from[0], "claim.epoch": { $lte: epoch } };
      const result = { $mergeObjects: ["$result", { status: "sent" }] };
      const arrived = { state: confirm.to, result, doneAt: "$$NOW" };
      await commands.updateOne(unknown, [{ $set: arrived }, { $unset: "error" }], durable);
    },
    async reserve() {
      const queued = { channelId, state: claimStep.from[0] };
      await commands.updateMany(queued, { $max: { claimableFrom: epoch } }, durable);
    },
    ...commandOrphans({ commands, channelId, epoch, stamp }),
  };
}
