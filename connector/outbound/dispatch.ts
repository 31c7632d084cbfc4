import type { PublicError } from "#shared/errors.ts";
import type { Logger } from "#shared/log.ts";
import type { CommandQueue } from "../commands/command-queue.ts";
import type { Send } from "../commands/send-settlement.ts";
import type { TokenBucket } from "../concurrency/token-bucket.ts";
import type { OpenSocket } from "../connection/current-socket.ts";
import type { MessageStatuses } from "../messages/message-status.ts";
import type { MessageStore } from "../messages/message-store.ts";
import type { Prepared } from "../messages/to-whatsapp.ts";
import { createAckWindow } from "./ack-window.ts";
import { type FirstSendOptions, firstSend, prepareAttempt } from "./first-send.ts";
import type { PrepareOptions } from "./prepare.ts";
import { resend } from "./resend.ts";
import { createSendOutcomes } from "./send-outcome.ts";

export interface DispatchOptions {
  queue: CommandQueue;
  messageStatuses: MessageStatuses;
  messageStore: MessageStore;
  bucket: TokenBucket;
  preparation: PrepareOptions;
  ackMs: number;
  log: Logger;
  signal: AbortSignal;
  onError(error: unknown): void;
}

/** Sends what was claimed: one relay at a time and in order, while waiting for WhatsApp's ackWindow overlaps. */
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
  const outcomes = createSendOutcomes(options);
  const ackWindow = createAckWindow(options.onError);

  const said = ({ _id, messageId }: Send, outcome: string, isAgain: boolean) =>
    log.info({ event: "sent", commandId: _id, messageId, outcome, isAgain }, "message");
  const first: FirstSendOptions = {
    ...options,
    ...{ outcomes, ackWindow },
    onAnswer: (send, { kind }) => said(send, kind, false),
  };

  return {
    async send(batch, socket, canSend) {
      const ready: Promise<Prepared>[] = [];
      for (const [index, send] of batch.entries()) {
        for (const ahead of batch.slice(ready.length, index + 1 + aheadMax)) {
          const preparing = prepareAttempt({ send: ahead, socket }, first);
          preparing.catch(() => undefined);
          ready.push(preparing);
        }
        const copy = { send, socket, canSend };
        const isDone =
          canSend() && (await firstSend(copy, ready[index] ?? prepareAttempt(copy, first), first));
        if (!isDone) return queue.unclaim(batch.slice(index).map(({ _id }) => _id));
      }
    },
    async resend(unknown, socket, canSend) {
      for (const send of unknown) {
        const resent = canSend() ? await resend(send, socket, canSend, options) : null;
        if (!resent) continue;
        ackWindow.track(resent.answered.then((known) => said(send, known?.kind ?? "unsent", true)));
        await resent.written;
        await ackWindow.room();
      }
    },
    refuse: (send, error) => outcomes.settleUnsent(send, error, "failed"),
    idle: ackWindow.idle,
  };
}
