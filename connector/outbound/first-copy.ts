import { performance } from "node:perf_hooks";
import { backoffMs } from "#shared/backoff.ts";
import { isUnavailable } from "#shared/database-answer.ts";
import { errorTrace } from "#shared/error-trace.ts";
import { type PublicError, publicError, ServiceError } from "#shared/errors.ts";
import type { Logger } from "#shared/log.ts";
import { sleep } from "#shared/sleep.ts";
import { SocketGoneError } from "../baileys/socket-gone-error.ts";
import { type CommandQueue, NotBegunError } from "../commands/command-queue.ts";
import { endingOf, type Outcome, type Send } from "../commands/settlement.ts";
import type { Pace } from "../concurrency/pace.ts";
import { untilAborted } from "../concurrency/until-gone.ts";
import { accountOf, type OpenSocket } from "../connection/sole-socket.ts";
import type { Delivery } from "../messages/delivery.ts";
import type { MessageRecord } from "../messages/message-record.ts";
import type { Prepared } from "../messages/to-whatsapp.ts";
import type { Answers } from "./answers.ts";
import type { Conclusion, Telling } from "./conclusion.ts";
import { type PreparationOptions, prepare } from "./preparation.ts";
import { relay } from "./relay.ts";

export interface FirstCopyOptions {
  queue: Pick<CommandQueue, "startRelay">;
  delivery: Pick<Delivery, "begin">;
  record: Pick<MessageRecord, "sending">;
  conclusion: Conclusion;
  answers: Answers;
  pace: Pace;
  preparation: PreparationOptions;
  ackMs: number;
  /** Called when it is known what became of a send that was on the wire. */
  onAnswer(send: Send, outcome: Outcome): void;
  log: Logger;
  signal: AbortSignal;
}

/** The first time that a send goes out; for the second see `resend.ts`. */
export interface FirstCopy {
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
export function prepareFirst(
  { send, socket: { wa, gone } }: Pick<FirstCopy, "send" | "socket">,
  { preparation, signal }: Pick<FirstCopyOptions, "preparation" | "signal">,
): Promise<Prepared> {
  return untilAborted(gone, () => prepare(send, wa, preparation, signal));
}

/**
 * Sends, and tries in place, so that what comes later does not overtake. Resolves to whether it is done with; `ready` is
 * what the first try sends. Throws the database's error when that is away.
 */
export async function sendFirst(
  copy: FirstCopy,
  ready: Promise<Prepared>,
  options: FirstCopyOptions,
): Promise<boolean> {
  const { send, socket, canSend } = copy;
  const { conclusion, pace, log, signal } = options;
  for (let tries = 1; ; tries++) {
    try {
      const prepared = await (tries === 1 ? ready : prepareFirst(copy, options));
      await sleep(pace.take(performance.now()), AbortSignal.any([signal, socket.gone]));
      if (!canSend()) return false;
      await putOnWire(copy, prepared, options);
      return true;
    } catch (error) {
      if (error instanceof ServiceError)
        return conclusion.endBeforeWire(send, publicError(error), "failed").then(() => true);
      if (!canSend() || error instanceof NotBegunError) return false;
      // No fault of the send: it is queued again when the session is.
      if (isUnavailable(error)) throw error;
      log.warn({ event: "send_failed", commandId: send._id, tries, ...errorTrace(error) }, "not on the wire");
      if (tries >= triesMax) return conclusion.endBeforeWire(send, notSent, "dead").then(() => true);
      await sleep(backoffMs(retryBackoff, tries, Math.random()), signal);
    }
  }
}

/** Throws what kept the message off the wire. */
async function putOnWire(
  { send, socket, canSend }: FirstCopy,
  prepared: Prepared,
  { queue, delivery, record, conclusion, answers, ackMs, onAnswer }: FirstCopyOptions,
): Promise<void> {
  const { to, type, message } = prepared;
  await Promise.all([
    record.sending(send.messageId, to, type, message),
    queue.startRelay(send._id, send.messageId, accountOf(socket)),
  ]);
  // Writing took its time.
  if (!canSend()) throw new SocketGoneError("It may not be sent any more");
  delivery.begin(send.messageId);
  let heard: Telling | undefined;
  const answered = (known: Outcome) => {
    heard = conclusion.tell(send, endingOf(send, { to, type }, known));
  };
  const { left, outcome } = relay(socket, send.messageId, prepared, { ackMs, answered });
  answers.track(
    outcome.then(async (known) => {
      if (!known) return;
      await conclusion.end(send, endingOf(send, { to, type }, known), heard);
      onAnswer(send, known);
    }),
  );
  const { isOnWire, error } = await left;
  if (!isOnWire) throw error;
  await answers.room();
}
