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
import { untilGone } from "./until-gone.ts";

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

  const end = async ({ _id, messageId }: Send, { settlement, told }: Ending) => {
    const settled = queue.settle(_id, settlement);
    // A receipt that came before this looks for a command that is `unknown` already.
    if (settlement.state === "unknown") await settled;
    await Promise.all([settled, delivery.tell({ messageId, ...told })]);
  };
  const follow = (send: Send, prepared: Prepared, outcome: Promise<Outcome | null>) => {
    const answered = outcome.then(async (known) => {
      if (!known) return;
      await end(send, endingOf(send, prepared, known));
      log.info(
        { event: "sent", commandId: send._id, messageId: send.messageId, outcome: known.kind },
        "message",
      );
    });
    const tracked = answered.catch(options.onError).finally(() => answers.delete(tracked));
    answers.add(tracked);
  };
  /** Throws what kept the message off the wire. */
  const putOnWire = async (send: Send, prepared: Prepared, socket: OpenSocket) => {
    await Promise.all([
      record.sending(send.messageId, prepared.to, prepared.type, prepared.message),
      queue.startRelay(send._id, send.messageId),
    ]);
    delivery.begin(send.messageId);
    const answered = (known: Outcome) => {
      const { told } = endingOf(send, prepared, known);
      void delivery.tell({ messageId: send.messageId, ...told }).catch(options.onError);
    };
    const { left, outcome } = relay(socket, send.messageId, prepared, { ackMs: options.ackMs, answered });
    follow(send, prepared, outcome);
    const { isOnWire, error } = await left;
    if (!isOnWire) throw error;
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
        await putOnWire(send, prepared, socket);
        return true;
      } catch (error) {
        if (error instanceof ServiceError)
          return end(send, failureOf(send, publicError(error), "failed")).then(() => true);
        if (!canSend()) return false;
        log.warn(
          { event: "send_failed", commandId: send._id, tries, ...errorTrace(error) },
          "not on the wire",
        );
        if (tries >= triesMax) return end(send, failureOf(send, notSent, "dead")).then(() => true);
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
    refuse: (send, error) => end(send, failureOf(send, error, "failed")),
    async idle() {
      await Promise.all(answers);
    },
  };
}
