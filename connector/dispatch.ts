import { performance } from "node:perf_hooks";
import { backoffMs } from "../shared/backoff.ts";
import { isUnavailable } from "../shared/database-answer.ts";
import { type PublicError, publicError, ServiceError } from "../shared/errors.ts";
import type { Logger } from "../shared/log.ts";
import { sleep } from "../shared/sleep.ts";
import { type CommandQueue, NotBegunError } from "./command-queue.ts";
import type { Delivery } from "./delivery.ts";
import { errorTrace } from "./error-trace.ts";
import type { MessageRecord } from "./message-record.ts";
import type { Pace } from "./pace.ts";
import { type PreparationOptions, type Prepared, prepare } from "./preparation.ts";
import { accountOf, type OpenSocket, type Outcome, relay } from "./relay.ts";
import { resend } from "./resend.ts";
import { type Ending, endingOf, failureOf, type Send } from "./settlement.ts";
import { SocketGoneError, untilGone } from "./until-gone.ts";

export interface DispatchOptions {
  queue: CommandQueue;
  delivery: Delivery;
  record: MessageRecord;
  pace: Pace;
  preparation: PreparationOptions;
  ackMs: number;
  log: Logger;
  signal: AbortSignal;
  onError(error: unknown): void;
}

/** Sends what was claimed: one relay at a time and in order, while waiting for WhatsApp's answers overlaps. */
export interface Dispatch {
  /** Sends as long as `canSend` holds; what was not sent is back in the queue when it resolves. */
  send(batch: Send[], socket: OpenSocket, canSend: () => boolean): Promise<void>;
  /** Sends once more what is `unknown`, as long as `canSend` holds; see `resend.ts`. */
  resend(unknown: Send[], socket: OpenSocket, canSend: () => boolean): Promise<void>;
  /** Settles a send that is not to be tried. */
  refuse(send: Send, error: PublicError): Promise<void>;
  /** Resolves when nothing waits for an answer. */
  idle(): Promise<void>;
}

/** News on its way: `logged` when it is in the log, `done` when the message's record has it, too. */
interface Telling {
  logged: Promise<void>;
  done: Promise<void>;
}

const aheadMax = 2;
const answersMax = 32;
const triesMax = 3;
const retryBackoff = { baseMs: 500, maxMs: 4_000 };

const notSent: PublicError = {
  code: "not_sent",
  message: "The message could not be sent; it did not leave the connector",
};

export function createDispatch(options: DispatchOptions): Dispatch {
  const { queue, delivery, record, pace, preparation, signal, log } = options;
  const answers = new Set<Promise<void>>();

  const tell = ({ messageId }: Send, { told }: Ending): Telling => {
    const { promise: logged, resolve, reject } = Promise.withResolvers<void>();
    const done = delivery.tell({ messageId, ...told }, resolve);
    done.then(resolve, reject);
    logged.catch(() => undefined);
    return { logged, done };
  };
  /** The event comes first: who dies between the two leaves a command that the next owner settles by the log. */
  const end = async (send: Send, ending: Ending, { logged, done } = tell(send, ending)) => {
    await logged;
    await Promise.all([done, queue.settle(send._id, ending.settlement)]);
    // A receipt that came between the two looked for a command that is `unknown` already.
    if (ending.settlement.state === "unknown") await tell(send, ending).done;
  };
  const endBeforeWire = async (send: Send, error: PublicError, state: "failed" | "dead") => {
    await delivery.tellNotSent(send, error.code);
    await queue.settle(send._id, failureOf(send, error, state));
  };
  const track = (work: Promise<void>) => {
    const tracked = work.catch(options.onError).finally(() => answers.delete(tracked));
    answers.add(tracked);
  };
  const room = async () => {
    if (answers.size >= answersMax) await Promise.race(answers);
  };
  const said = ({ _id, messageId }: Send, outcome: string, isAgain = false) =>
    log.info({ event: "sent", commandId: _id, messageId, outcome, isAgain }, "message");

  /** Throws what kept the message off the wire. */
  const putOnWire = async (send: Send, prepared: Prepared, socket: OpenSocket, canSend: () => boolean) => {
    const { to, type } = prepared;
    await Promise.all([
      record.sending(send.messageId, prepared.to, prepared.type, prepared.message),
      queue.startRelay(send._id, send.messageId, accountOf(socket)),
    ]);
    // Writing took its time.
    if (!canSend()) throw new SocketGoneError("It may not be sent any more");
    delivery.begin(send.messageId);
    let heard: Telling | undefined;
    const answered = (known: Outcome) => {
      heard = tell(send, endingOf(send, { to, type }, known));
    };
    const { left, outcome } = relay(socket, send.messageId, prepared, { ackMs: options.ackMs, answered });
    track(
      outcome.then(async (known) => {
        if (!known) return;
        await end(send, endingOf(send, { to, type }, known), heard);
        said(send, known.kind);
      }),
    );
    const { isOnWire, error } = await left;
    if (!isOnWire) throw error;
    await room();
  };
  const prepareOn = (send: Send, { wa, gone }: OpenSocket) =>
    untilGone(prepare(send, wa, preparation, signal), gone);

  /** Tries in place, so that what comes later does not overtake. Resolves to whether it is done with. */
  const sendOne = async (
    send: Send,
    socket: OpenSocket,
    ready: Promise<Prepared>,
    canSend: () => boolean,
  ) => {
    for (let tries = 1; ; tries++) {
      try {
        const prepared = tries === 1 ? await ready : await prepareOn(send, socket);
        await sleep(pace.take(performance.now()), AbortSignal.any([signal, socket.gone]));
        if (!canSend()) return false;
        await putOnWire(send, prepared, socket, canSend);
        return true;
      } catch (error) {
        if (error instanceof ServiceError)
          return endBeforeWire(send, publicError(error), "failed").then(() => true);
        if (!canSend() || error instanceof NotBegunError) return false;
        // No fault of the send: it is queued again when the session is.
        if (isUnavailable(error)) throw error;
        log.warn(
          { event: "send_failed", commandId: send._id, tries, ...errorTrace(error) },
          "not on the wire",
        );
        if (tries >= triesMax) return endBeforeWire(send, notSent, "dead").then(() => true);
        await sleep(backoffMs(retryBackoff, tries, Math.random()), signal);
      }
    }
  };

  return {
    async send(batch, socket, canSend) {
      const ready: Promise<Prepared>[] = [];
      for (const [index, send] of batch.entries()) {
        for (const ahead of batch.slice(ready.length, index + 1 + aheadMax)) {
          const preparing = prepareOn(ahead, socket);
          preparing.catch(() => undefined);
          ready.push(preparing);
        }
        const isDone =
          canSend() && (await sendOne(send, socket, ready[index] ?? prepareOn(send, socket), canSend));
        if (!isDone) return queue.unclaim(batch.slice(index).map(({ _id }) => _id));
      }
    },
    async resend(unknown, socket, canSend) {
      for (const send of unknown) {
        const resent = canSend() ? await resend(send, socket, canSend, options) : null;
        if (!resent) continue;
        track(resent.answered.then((known) => said(send, known?.kind ?? "unsent", true)));
        await resent.left;
        await room();
      }
    },
    refuse: (send, error) => endBeforeWire(send, error, "failed"),
    async idle() {
      await Promise.all(answers);
    },
  };
}
