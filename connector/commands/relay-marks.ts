import type { Collection, Filter } from "mongodb";
import type { CommandDocument } from "#shared/collections.ts";
import { durable } from "#shared/database.ts";
import { commandSteps } from "./command-lifecycle.ts";

/** Records in an `unknown` send's command how far its second copy got. Each mark is durable before that may leave. */
export interface RelayMarks {
  /** The `unknown` sends of an account that may go to the wire once more, in the order in which they did. */
  resendable(account: string): Promise<CommandDocument[]>;
  /** Marks a send as possibly on the wire a second time; resolves to false when it must not be sent. */
  startResend(id: string): Promise<boolean>;
  /** Takes `startResend` back: the stanza did not reach the wire a second time. */
  undoResend(id: string): Promise<void>;
}

/** A command must not begin: it has expired while it waited for its turn, or others go first. */
export class NotBegunError extends Error {
  override readonly name = "NotBegunError";
}

export interface RelayMarksOptions {
  commands: Collection<CommandDocument>;
  channelId: string;
  epoch: number;
}

const { resend } = commandSteps;
const isInTime = { $expr: { $gt: ["$expiresAt", "$$NOW"] } };
const resendMax = 500;

export function relayMarks({ commands, channelId, epoch }: RelayMarksOptions): RelayMarks {
  /** A one-time code must not go out hours late, hence `isInTime`. */
  const mayResend: Filter<CommandDocument> = {
    state: resend.from[0],
    "claim.epoch": epoch,
    relayStartedAt: { $exists: true },
    resentAt: { $exists: false },
    ...isInTime,
  };

  return {
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
