import { performance } from "node:perf_hooks";
import { sleep } from "#shared/sleep.ts";
import type { CommandQueue } from "../commands/command-queue.ts";
import type { RelayOutcome, Send } from "../commands/send-settlement.ts";
import type { TokenBucket } from "../concurrency/token-bucket.ts";
import type { OpenSocket } from "../connection/current-socket.ts";
import type { MessageStatuses } from "../messages/message-status.ts";
import type { MessageStore } from "../messages/message-store.ts";
import { relay } from "./relay.ts";

export interface ResendOptions {
  queue: Pick<CommandQueue, "startResend" | "undoResend">;
  messageStatuses: Pick<MessageStatuses, "publish">;
  messageStore: Pick<MessageStore, "again">;
  bucket: TokenBucket;
  ackMs: number;
  signal: AbortSignal;
  onError(error: unknown): void;
}

/** A second copy on its way. */
export interface Resent {
  /** Resolves when Baileys is done with it. */
  written: Promise<void>;
  /** Resolves when its answer, if there is one, is told; to null when it did not reach the wire. */
  answered: Promise<RelayOutcome | null>;
}

/**
 * Puts an `unknown` send on the wire once more, as it was and under its id, in its turn; null when it may not be. It is
 * written that it may be there before it is, so that no crash leads to a third time. Only WhatsApp's yes says something
 * new: a refusal may be of the second copy of what has arrived.
 */
export async function resend(
  { _id, messageId }: Send,
  socket: OpenSocket,
  canSend: () => boolean,
  { queue, messageStatuses, messageStore, bucket, ackMs, signal, onError }: ResendOptions,
): Promise<Resent | null> {
  const prepared = await messageStore.again(messageId);
  if (!prepared) return null;
  await sleep(bucket.take(performance.now()), AbortSignal.any([signal, socket.gone]));
  if (!canSend() || !(await queue.startResend(_id))) return null;
  if (!canSend()) {
    await queue.undoResend(_id);
    return null;
  }
  const arrived = () => messageStatuses.publish({ messageId, status: "sent" });
  const { written, outcome } = relay(socket, messageId, prepared, {
    ackMs,
    onAck({ kind }) {
      if (kind === "sent") void arrived().catch(onError);
    },
  });
  return {
    written: written.then(({ isOnWire }) => (isOnWire ? undefined : queue.undoResend(_id))),
    answered: outcome.then(async (known) => {
      if (known?.kind === "sent") await arrived();
      return known;
    }),
  };
}
