import type { CommandQueue } from "../commands/command-queue.ts";
import type { RelayOutcome, Send } from "../commands/send-settlement.ts";
import type { TokenBucket } from "../concurrency/token-bucket.ts";
import type { OpenSocket } from "../connection/current-socket.ts";
import type { MessageStatuses } from "../messages/message-status.ts";
import type { MessageStore } from "../messages/message-store.ts";
import type { SessionScope } from "../session-scope.ts";
import { relay } from "./relay.ts";
import { waitForSendRate } from "./send-pacing.ts";

export interface ResendOptions {
  queue: Pick<CommandQueue, "startResend" | "undoResend">;
  messageStatuses: Pick<MessageStatuses, "publish">;
  messageStore: Pick<MessageStore, "again">;
  bucket: TokenBucket;
  ackMs: number;
}

/** A second copy on its way. */
export interface Resent {
  /** Resolves when Baileys has written the stanza or failed to. */
  written: Promise<void>;
  /** Resolves when the outcome, if there is one, is published; to null when the stanza did not reach the wire. */
  answered: Promise<RelayOutcome | null>;
}

/**
 * Puts an `unknown` send on the wire once more, unchanged and under its id, in its turn. Resolves to null when it must not
 * be sent. The mark that it may be on the wire is durable first, so that no crash leads to a third copy. Only an
 * acknowledgement counts: a refusal may be of the second copy while the first arrived.
 */
export async function resend(
  { ended, fail }: Pick<SessionScope, "ended" | "fail">,
  { _id, messageId }: Send,
  socket: OpenSocket,
  canSend: () => boolean,
  { queue, messageStatuses, messageStore, bucket, ackMs }: ResendOptions,
): Promise<Resent | null> {
  const prepared = await messageStore.again(messageId);
  if (!prepared) return null;
  await waitForSendRate(bucket, ended, socket.gone);
  if (!canSend() || !(await queue.startResend(_id))) return null;
  if (!canSend()) {
    await queue.undoResend(_id);
    return null;
  }
  const publishSent = () => messageStatuses.publish({ messageId, status: "sent" });
  const { written, outcome } = relay(socket, messageId, prepared, {
    ackMs,
    onAck({ kind }) {
      if (kind === "sent") void publishSent().catch(fail);
    },
  });
  return {
    written: written.then(({ isOnWire }) => (isOnWire ? undefined : queue.undoResend(_id))),
    answered: outcome.then(async (known) => {
      if (known?.kind === "sent") await publishSent();
      return known;
    }),
  };
}
