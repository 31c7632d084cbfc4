import { ServiceError } from "#shared/errors.ts";
import { SocketGoneError } from "../baileys/socket-gone-error.ts";
import type { CommandQueue } from "../commands/command-queue.ts";
import type { RelayOutcome, Send } from "../commands/send-settlement.ts";
import type { TokenBucket } from "../concurrency/token-bucket.ts";
import { untilAborted } from "../concurrency/until-aborted.ts";
import type { MessageStatuses } from "../messages/message-status.ts";
import type { MessageStore } from "../messages/message-store.ts";
import type { Prepared } from "../messages/to-whatsapp.ts";
import type { SessionScope } from "../session-scope.ts";
import type { AckWindow } from "./ack-window.ts";
import type { PrepareOptions } from "./prepare.ts";
import { relay } from "./relay.ts";
import { waitForSendRate } from "./send-pacing.ts";
import { type SendAttempt, type SendTurn, tryInPlace } from "./try-in-place.ts";

export interface ResendOptions extends SendTurn {
  queue: Pick<CommandQueue, "startResend" | "undoResend">;
  messageStatuses: Pick<MessageStatuses, "publish">;
  messageStore: Pick<MessageStore, "again">;
  ackWindow: AckWindow;
  bucket: TokenBucket;
  preparation: Pick<PrepareOptions, "recipients">;
  ackMs: number;
  /** Called when the second copy is answered or was never written. */
  onResent(send: Send, outcome: RelayOutcome | null): void;
}

/**
 * Reads the message of an `unknown` send and asks for its recipient's keys; null when it is not stored. Rejects as
 * `recipients.reach` does, and with a `SocketGoneError`.
 */
export function prepareAgain(
  { send, socket: { wa, gone } }: Pick<SendAttempt, "send" | "socket">,
  { messageStore, preparation }: Pick<ResendOptions, "messageStore" | "preparation">,
): Promise<Prepared | null> {
  return untilAborted(gone, async () => {
    const prepared = await messageStore.again(send.messageId);
    if (prepared) await preparation.recipients.reach(wa, prepared.jid);
    return prepared;
  });
}

/**
 * Puts an `unknown` send on the wire once more, unchanged and under its id. `prepared` is what the first try sends. Resolves
 * to false when it must not be sent now; a send that is given up stays `unknown`, and is tried again on the next socket.
 */
export async function resend(
  scope: Pick<SessionScope, "ended" | "fail" | "log">,
  attempt: SendAttempt,
  prepared: Promise<Prepared | null>,
  options: ResendOptions,
): Promise<boolean> {
  const { send, socket, canSend } = attempt;
  const { bucket, inTurn, onGaveUp, onResent } = options;
  const giveUp = async () => {
    onGaveUp(send);
    onResent(send, null);
    return true;
  };
  const tryOnce = async (tries: number) => {
    try {
      const ready = await (tries === 1 ? prepared : prepareAgain(attempt, options));
      if (!ready) return true;
      return await inTurn(send, async () => {
        await waitForSendRate(bucket, scope.ended, socket.gone);
        if (!canSend()) return false;
        await putOnWireAgain(scope, attempt, ready, options);
        return true;
      });
    } catch (error) {
      // The first copy may have arrived all the same, so this says nothing about the send.
      if (error instanceof ServiceError) return await giveUp();
      throw error;
    }
  };
  return await tryInPlace(scope, attempt, tryOnce, giveUp);
}

/**
 * Throws the error that kept the message off the wire. The mark that it may be on the wire is durable first, so that no
 * crash leads to a third copy. Only an acknowledgement counts: a refusal may be of the second copy while the first arrived.
 */
async function putOnWireAgain(
  { fail }: Pick<SessionScope, "fail">,
  { send, socket, canSend }: SendAttempt,
  prepared: Prepared,
  { queue, messageStatuses, ackWindow, ackMs, onResent }: ResendOptions,
): Promise<void> {
  const { _id, messageId } = send;
  if (!(await queue.startResend(_id))) return;
  if (!canSend()) {
    await queue.undoResend(_id);
    throw new SocketGoneError("The socket closed before the relay");
  }
  const publishSent = () => messageStatuses.publish({ messageId, status: "sent" });
  const { handed, outcome } = relay(socket, messageId, prepared, {
    ackMs,
    onAck({ kind }) {
      if (kind === "sent") void publishSent().catch(fail);
    },
  });
  ackWindow.track(
    outcome.then(async (known) => {
      if (!known) return;
      if (known.kind === "sent") await publishSent();
      onResent(send, known);
    }),
  );
  const { isOnWire, error } = await handed;
  if (!isOnWire) {
    await queue.undoResend(_id);
    throw error;
  }
  await ackWindow.room();
}
