import { performance } from "node:perf_hooks";
import { backoffMs } from "../shared/backoff.ts";
import { type PublicError, publicError, ServiceError } from "../shared/errors.ts";
import type { Logger } from "../shared/log.ts";
import { sleep } from "../shared/sleep.ts";
import type { CommandQueue } from "./command-queue.ts";
import type { Delivery } from "./delivery.ts";
import { errorTrace } from "./error-trace.ts";
import type { MessageRecord } from "./message-record.ts";
import type { Pace } from "./pace.ts";
import { type PreparationOptions, type Prepared, prepare } from "./preparation.ts";
import { type OpenSocket, type Outcome, relay } from "./relay.ts";
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
  /**
   * Puts `unknown` sends on the wire once more, as they were, each under its id. Only WhatsApp's yes says something new:
   * a refusal may be of the second copy of what has arrived.
   */
  resend(unknown: Send[], socket: OpenSocket, canSend: () => boolean): Promise<void>;
  /** Settles a send that is not to be tried. */
  refuse(send: Send, error: PublicError): Promise<void>;
  /** Resolves when nothing waits for an answer. */
  idle(): Promise<void>;
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

  /** The event comes first: who dies between the two leaves a command that the next owner settles by the log. */
  const end = async ({ _id, messageId }: Send, { settlement, told }: Ending) => {
    await delivery.tell({ messageId, ...told });
    await queue.settle(_id, settlement);
    // A receipt that came between the two looked for a command that is `unknown` already.
    if (settlement.state === "unknown") await delivery.tell({ messageId, ...told });
  };
  const endBeforeWire = async (send: Send, error: PublicError, state: "failed" | "dead") => {
    await delivery.tellNotSent(send, error.code);
    await queue.settle(send._id, failureOf(send, error, state));
  };
  const track = (work: Promise<void>) => {
    const tracked = work.catch(options.onError).finally(() => answers.delete(tracked));
    answers.add(tracked);
  };
  const said = ({ _id, messageId }: Send, outcome: Outcome["kind"], isAgain = false) =>
    log.info({ event: "sent", commandId: _id, messageId, outcome, isAgain }, "message");
  const follow = (send: Send, { to, type }: Prepared, outcome: Promise<Outcome | null>) =>
    track(
      outcome.then(async (known) => {
        if (!known) return;
        await end(send, endingOf(send, { to, type }, known));
        said(send, known.kind);
      }),
    );
  /** Throws what kept the message off the wire. */
  const putOnWire = async (send: Send, prepared: Prepared, socket: OpenSocket, canSend: () => boolean) => {
    const { to, type } = prepared;
    await Promise.all([
      record.sending(send.messageId, prepared.to, prepared.type, prepared.message),
      queue.startRelay(send._id, send.messageId),
    ]);
    // Writing took its time.
    if (!canSend()) throw new SocketGoneError("It may not be sent any more");
    delivery.begin(send.messageId);
    const answered = (known: Outcome) => {
      const { told } = endingOf(send, { to, type }, known);
      void delivery.tell({ messageId: send.messageId, ...told }).catch(options.onError);
    };
    const { left, outcome } = relay(socket, send.messageId, prepared, { ackMs: options.ackMs, answered });
    follow(send, prepared, outcome);
    const { isOnWire, error } = await left;
    if (!isOnWire) throw error;
    if (answers.size >= answersMax) await Promise.race(answers);
  };
  /** Said to be on the wire before it is, so that no crash leads to a third time. */
  const resendOne = async (send: Send, socket: OpenSocket, canSend: () => boolean) => {
    const { _id, messageId } = send;
    const prepared = await record.again(messageId);
    if (!prepared) return;
    await sleep(pace.take(performance.now()), AbortSignal.any([signal, socket.gone]));
    if (!canSend() || !(await queue.startResend(_id))) return;
    if (!canSend()) return queue.undoResend(_id);
    const arrived = () => delivery.tell({ messageId, status: "sent" });
    const answered = ({ kind }: Outcome) => {
      if (kind === "sent") void arrived().catch(options.onError);
    };
    const { left, outcome } = relay(socket, messageId, prepared, { ackMs: options.ackMs, answered });
    track(
      outcome.then(async (known) => {
        if (known?.kind === "sent") await arrived();
        if (known) said(send, known.kind, true);
      }),
    );
    if (!(await left).isOnWire) await queue.undoResend(_id);
    if (answers.size >= answersMax) await Promise.race(answers);
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
        if (!canSend()) return false;
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
      for (const send of unknown) if (canSend()) await resendOne(send, socket, canSend);
    },
    refuse: (send, error) => endBeforeWire(send, error, "failed"),
    async idle() {
      await Promise.all(answers);
    },
  };
}
