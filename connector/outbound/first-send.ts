import { performance } from "node:perf_hooks";
import { backoffMs } from "#shared/backoff.ts";
import { isUnavailable } from "#shared/database-answer.ts";
import { errorTrace } from "#shared/error-trace.ts";
import { type PublicError, publicError, ServiceError } from "#shared/errors.ts";
import type { Logger } from "#shared/log.ts";
import { sleep } from "#shared/sleep.ts";
import { SocketGoneError } from "../baileys/socket-gone-error.ts";
import { type CommandQueue, NotBegunError } from "../commands/command-queue.ts";
import { type RelayOutcome, type Send, sendEnd } from "../commands/send-settlement.ts";
import type { TokenBucket } from "../concurrency/token-bucket.ts";
import { untilAborted } from "../concurrency/until-aborted.ts";
import { accountOf, type OpenSocket } from "../connection/current-socket.ts";
import type { MessageStatuses } from "../messages/message-status.ts";
import type { MessageStore } from "../messages/message-store.ts";
import type { Prepared } from "../messages/to-whatsapp.ts";
import type { AckWindow } from "./ack-window.ts";
import { type PrepareOptions, prepare } from "./prepare.ts";
import { relay } from "./relay.ts";
import type { Publication, SendOutcomes } from "./send-outcome.ts";

export interface FirstSendOptions {
  queue: Pick<CommandQueue, "startRelay">;
  messageStatuses: Pick<MessageStatuses, "begin">;
  messageStore: Pick<MessageStore, "sending">;
  outcomes: SendOutcomes;
  ackWindow: AckWindow;
  bucket: TokenBucket;
  preparation: PrepareOptions;
  ackMs: number;
  /** Called when it is known what became of a send that was on the wire. */
  onAnswer(send: Send, outcome: RelayOutcome): void;
  log: Logger;
  signal: AbortSignal;
}

/** The first time that a send goes out; for the second see `resend.ts`. */
export interface SendAttempt {
  send: Send;
  socket: OpenSocket;
  canSend(): boolean;
}

const triesMax = 3;
const retryBackoff = { baseMs: 500, maxMs: 4_000 };

const notSent: PublicError = {
  code: "not_sent",
  message: "The message could not be sent; it did not leave the connector",
};

/** Makes ready what a send says. Rejects as `prepare` does, and with a `SocketGoneError`. */
export function prepareAttempt(
  { send, socket: { wa, gone } }: Pick<SendAttempt, "send" | "socket">,
  { preparation, signal }: Pick<FirstSendOptions, "preparation" | "signal">,
): Promise<Prepared> {
  return untilAborted(gone, () => prepare(send, wa, preparation, signal));
}

/**
 * Sends, and tries in place, so that what comes later does not overtake. Resolves to whether it is done with; `ready` is
 * what the first try sends. Throws the database's error when that is away.
 */
export async function firstSend(
  copy: SendAttempt,
  ready: Promise<Prepared>,
  options: FirstSendOptions,
): Promise<boolean> {
  const { send, socket, canSend } = copy;
  const { outcomes, bucket, log, signal } = options;
  for (let tries = 1; ; tries++) {
    try {
      const prepared = await (tries === 1 ? ready : prepareAttempt(copy, options));
      await sleep(bucket.take(performance.now()), AbortSignal.any([signal, socket.gone]));
      if (!canSend()) return false;
      await putOnWire(copy, prepared, options);
      return true;
    } catch (error) {
      if (error instanceof ServiceError)
        return outcomes.settleUnsent(send, publicError(error), "failed").then(() => true);
      if (!canSend() || error instanceof NotBegunError) return false;
      // No fault of the send: it is queued again when the session is.
      if (isUnavailable(error)) throw error;
      log.warn({ event: "send_failed", commandId: send._id, tries, ...errorTrace(error) }, "not on the wire");
      if (tries >= triesMax) return outcomes.settleUnsent(send, notSent, "dead").then(() => true);
      await sleep(backoffMs(retryBackoff, tries, Math.random()), signal);
    }
  }
}

/** Throws what kept the message off the wire. */
async function putOnWire(
  { send, socket, canSend }: SendAttempt,
  prepared: Prepared,
  { queue, messageStatuses, messageStore, outcomes, ackWindow, ackMs, onAnswer }: FirstSendOptions,
): Promise<void> {
  const { to, type, message } = prepared;
  await Promise.all([
    messageStore.sending(send.messageId, to, type, message),
    queue.startRelay(send._id, send.messageId, accountOf(socket)),
  ]);
  // Writing took its time.
  if (!canSend()) throw new SocketGoneError("It may not be sent any more");
  messageStatuses.begin(send.messageId);
  let heard: Publication | undefined;
  const onAck = (known: RelayOutcome) => {
    heard = outcomes.publish(send, sendEnd(send, { to, type }, known));
  };
  const { written, outcome } = relay(socket, send.messageId, prepared, { ackMs, onAck });
  ackWindow.track(
    outcome.then(async (known) => {
      if (!known) return;
      await outcomes.settle(send, sendEnd(send, { to, type }, known), heard);
      onAnswer(send, known);
    }),
  );
  const { isOnWire, error } = await written;
  if (!isOnWire) throw error;
  await ackWindow.room();
}
