import type { PublicError } from "#shared/errors.ts";
import type { Logger } from "#shared/log.ts";
import type { CommandQueue } from "../commands/command-queue.ts";
import type { Send } from "../commands/settlement.ts";
import type { Pace } from "../concurrency/pace.ts";
import type { OpenSocket } from "../connection/sole-socket.ts";
import type { Delivery } from "../messages/delivery.ts";
import type { MessageRecord } from "../messages/message-record.ts";
import type { Prepared } from "../messages/to-whatsapp.ts";
import { createAnswers } from "./answers.ts";
import { createConclusion } from "./conclusion.ts";
import { type FirstCopyOptions, prepareFirst, sendFirst } from "./first-copy.ts";
import type { PreparationOptions } from "./preparation.ts";
import { resend } from "./resend.ts";

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

const aheadMax = 2;

export function createDispatch(options: DispatchOptions): Dispatch {
  const { queue, log } = options;
  const conclusion = createConclusion(options);
  const answers = createAnswers(options.onError);

  const said = ({ _id, messageId }: Send, outcome: string, isAgain: boolean) =>
    log.info({ event: "sent", commandId: _id, messageId, outcome, isAgain }, "message");
  const first: FirstCopyOptions = {
    ...options,
    ...{ conclusion, answers },
    onAnswer: (send, { kind }) => said(send, kind, false),
  };

  return {
    async send(batch, socket, canSend) {
      const ready: Promise<Prepared>[] = [];
      for (const [index, send] of batch.entries()) {
        for (const ahead of batch.slice(ready.length, index + 1 + aheadMax)) {
          const preparing = prepareFirst({ send: ahead, socket }, first);
          preparing.catch(() => undefined);
          ready.push(preparing);
        }
        const copy = { send, socket, canSend };
        const isDone = canSend() && (await sendFirst(copy, ready[index] ?? prepareFirst(copy, first), first));
        if (!isDone) return queue.unclaim(batch.slice(index).map(({ _id }) => _id));
      }
    },
    async resend(unknown, socket, canSend) {
      for (const send of unknown) {
        const resent = canSend() ? await resend(send, socket, canSend, options) : null;
        if (!resent) continue;
        answers.track(resent.answered.then((known) => said(send, known?.kind ?? "unsent", true)));
        await resent.left;
        await answers.room();
      }
    },
    refuse: (send, error) => conclusion.endBeforeWire(send, error, "failed"),
    idle: answers.idle,
  };
}
