import { type PublicError, publicError, ServiceError } from "#shared/errors.ts";
import { SocketGoneError } from "../baileys/socket-gone-error.ts";
import type { CommandQueue } from "../commands/command-queue.ts";
import type { RelayOutcome, Send } from "../commands/send-settlement.ts";
import type { TokenBucket } from "../concurrency/token-bucket.ts";
import { untilAborted } from "../concurrency/until-aborted.ts";
import { accountOf } from "../connection/current-socket.ts";
import type { MessageStatuses } from "../messages/message-status.ts";
import type { MessageStore } from "../messages/message-store.ts";
import type { Prepared } from "../messages/to-whatsapp.ts";
import type { SessionScope } from "../session-scope.ts";
import type { AckWindow } from "./ack-window.ts";
import { type PrepareOptions, prepare } from "./prepare.ts";
import { relay } from "./relay.ts";
import type { SendOutcomes } from "./send-outcome.ts";
import { waitForSendRate } from "./send-pacing.ts";
import { type SendAttempt, type SendTurn, tryInPlace } from "./try-in-place.ts";

export interface FirstSendOptions extends SendTurn {
  queue: Pick<CommandQueue, "startRelay">;
  messageStatuses: Pick<MessageStatuses, "begin">;
  messageStore: Pick<MessageStore, "sending">;
  outcomes: SendOutcomes;
  ackWindow: AckWindow;
  bucket: TokenBucket;
  preparation: PrepareOptions;
  ackMs: number;
  /** Called when the outcome of a send that reached the wire is settled. */
  onSettled(send: Send, outcome: RelayOutcome): void;
}

const notSent: PublicError = {
  code: "not_sent",
  message: "The message could not be sent; it did not leave the connector",
};

/** Prepares a send for its turn. Rejects as `prepare` does, and with a `SocketGoneError`. */
export function prepareAttempt(
  { ended }: Pick<SessionScope, "ended">,
  { send, socket: { wa, gone } }: Pick<SendAttempt, "send" | "socket">,
  { preparation }: Pick<FirstSendOptions, "preparation">,
): Promise<Prepared> {
  return untilAborted(gone, () => prepare(send, wa, preparation, ended));
}

/**
 * Puts a send on the wire for the first time; `resend.ts` has the second. `prepared` is what the first try sends. Resolves to
 * whether the send is settled or on the wire. Throws the database's error when that is unavailable.
 */
export async function firstSend(
  scope: SessionScope,
  attempt: SendAttempt,
  prepared: Promise<Prepared>,
  options: FirstSendOptions,
): Promise<boolean> {
  const { send, socket, canSend } = attempt;
  const { outcomes, bucket, inTurn, onGaveUp } = options;
  const settleUnsent = async (error: PublicError, state: "failed" | "dead") => {
    await outcomes.settleUnsent(send, error, state);
    return true;
  };
  const tryOnce = async (tries: number) => {
    try {
      const ready = await (tries === 1 ? prepared : prepareAttempt(scope, attempt, options));
      return await inTurn(send, async () => {
        await waitForSendRate(bucket, scope.ended, socket.gone);
        if (!canSend()) return false;
        await putOnWire(attempt, ready, options);
        return true;
      });
    } catch (error) {
      if (error instanceof ServiceError) return await settleUnsent(publicError(error), "failed");
      throw error;
    }
  };
  return await tryInPlace(scope, attempt, tryOnce, () => {
    onGaveUp(send);
    return settleUnsent(notSent, "dead");
  });
}

/** Throws the error that kept the message off the wire. */
async function putOnWire(
  { send, socket, canSend }: SendAttempt,
  prepared: Prepared,
  { queue, messageStatuses, messageStore, outcomes, ackWindow, ackMs, onSettled }: FirstSendOptions,
): Promise<void> {
  const { to, jid, type, message } = prepared;
  const sendOutcome = outcomes.begin(send, { to, type });
  await Promise.all([
    messageStore.sending(send.messageId, to, type, message, jid),
    queue.startRelay(send._id, send.messageId, accountOf(socket)),
  ]);
  // The writes took time.
  if (!canSend()) throw new SocketGoneError("The socket closed before the relay");
  messageStatuses.begin(send.messageId);
  const { written, outcome } = relay(socket, send.messageId, prepared, {
    ackMs,
    onAck: sendOutcome.publish,
  });
  ackWindow.track(
    outcome.then(async (known) => {
      if (!known) return;
      await sendOutcome.settle(known);
      onSettled(send, known);
    }),
  );
  const { isOnWire, error } = await written;
  if (!isOnWire) throw error;
  await ackWindow.room();
}
