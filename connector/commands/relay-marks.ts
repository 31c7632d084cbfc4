import type { Collection, Filter } from "mongodb";
import type { CommandDocument } from "#shared/collections.ts";
import { durable } from "#shared/database.ts";
import { commandSteps } from "./command-lifecycle.ts";

/** Records in a send's command how far it got to the wire. Each mark is durable before the stanza may leave. */
export interface RelayMarks {
  /**
   * Marks a claimed send as possibly on the wire, under this id and from this account. Throws `NotBegunError` when it must
   * not be sent: another owner has it, or it expired while it waited for the sends before it.
   */
  startRelay(id: string, messageId: string, account: string): Promise<void>;
  /** The `unknown` sends of an account that may go to the wire once more, in the order in which they did. */
  resendable(account: string): Promise<CommandDocument[]>;
  /** Marks a send as possibly on the wire a second time; resolves to false when it must not be sent. */
  startResend(id: string): Promise<boolean>;
  /** Takes `startResend` back: the stanza did not reach the wire a second time. */
  undoResend(id: string): Promise<void>;
}

/** The command belongs to another owner, or has expired. */
export class NotBegunError extends Error {
  override readonly name = "NotBegunError";
}

export interface RelayMarksOptions {
  commands: Collection<CommandDocument>;
  channelId: string;
  epoch: number;
  /** Matches what this owner has claimed. */
  mine: Filter<CommandDocument>;
}

const { resend } = commandSteps;
const isInTime = { $expr: { $gt: ["$expiresAt", "$$NOW"] } };
const resendMax = 500;

export function relayMarks({ commands, channelId, epoch, mine }: RelayMarksOptions): RelayMarks {
  /** A one-time code must not go out hours late, hence `isInTime`. */
  const mayResend: Filter<CommandDocument> = {
    state: resend.from[0],
    "claim.epoch": epoch,
    relayStartedAt: { $exists: true },
    resentAt: { $exists: false },
    ...isInTime,
  };

  return {
    async startRelay(id, messageId, account) {
      const mark = {
        relayStartedAt: "$$NOW",
        messageId: { $literal: messageId },
        relayedBy: { $literal: account },
      };
      const inTime = { _id: id, ...mine, ...isInTime };
      const { matchedCount } = await commands.updateOne(inTime, [{ $set: mark }], durable);
      if (matchedCount === 0) throw new NotBegunError("The command belongs to another owner or has expired");
    },
    resendable: (relayedBy) =>
      commands
        .find({ channelId, ...mayResend, relayedBy })
        .sort({ relayStartedAt: 1, ord: 1 })
        .limit(resendMax)
        .toArray(),
    async startResend(id) {
      const mark = [{ $set: { resentAt: "$$NOW" } }];
      return (await commands.updateOne({ _id: id, ...mayResend }, mark, durable)).matchedCount > 0;
    },
    async undoResend(id) {
      const still = { _id: id, state: resend.from[0], "claim.epoch": epoch };
      await commands.updateOne(still, { $unset: { resentAt: "" } }, durable);
    },
  };
}
