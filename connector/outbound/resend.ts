import { performance } from "node:perf_hooks";
import { sleep } from "#shared/sleep.ts";
import type { CommandQueue } from "../commands/command-queue.ts";
import type { Outcome, Send } from "../commands/settlement.ts";
import type { Pace } from "../concurrency/pace.ts";
import type { OpenSocket } from "../connection/sole-socket.ts";
import type { Delivery } from "../messages/delivery.ts";
import type { MessageRecord } from "../messages/message-record.ts";
import { relay } from "./relay.ts";

export interface ResendOptions {
  queue: Pick<CommandQueue, "startResend" | "undoResend">;
  delivery: Pick<Delivery, "tell">;
  record: Pick<MessageRecord, "again">;
  pace: Pace;
  ackMs: number;
  signal: AbortSignal;
  onError(error: unknown): void;
}

/** A second copy on its way. */
export interface Resent {
  /** Resolves when Baileys is done with it. */
  left: Promise<void>;
  /** Resolves when its answer, if there is one, is told; to null when it did not reach the wire. */
  answered: Promise<Outcome | null>;
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
  { queue, delivery, record, pace, ackMs, signal, onError }: ResendOptions,
): Promise<Resent | null> {
  const prepared = await record.again(messageId);
  if (!prepared) return null;
  await sleep(pace.take(performance.now()), AbortSignal.any([signal, socket.gone]));
  if (!canSend() || !(await queue.startResend(_id))) return null;
  if (!canSend()) {
    await queue.undoResend(_id);
    return null;
  }
  const arrived = () => delivery.tell({ messageId, status: "sent" });
  const { left, outcome } = relay(socket, messageId, prepared, {
    ackMs,
    answered({ kind }) {
      if (kind === "sent") void arrived().catch(onError);
    },
  });
  return {
    left: left.then(({ isOnWire }) => (isOnWire ? undefined : queue.undoResend(_id))),
    answered: outcome.then(async (known) => {
      if (known?.kind === "sent") await arrived();
      return known;
    }),
  };
}
