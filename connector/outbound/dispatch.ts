import type { PublicError } from "#shared/errors.ts";
import type { CommandQueue } from "../commands/command-queue.ts";
import type { Send } from "../commands/send-settlement.ts";
import type { TokenBucket } from "../concurrency/token-bucket.ts";
import type { OpenSocket } from "../connection/current-socket.ts";
import type { MessageStatuses } from "../messages/message-status.ts";
import type { MessageStore } from "../messages/message-store.ts";
import type { Prepared } from "../messages/to-whatsapp.ts";
import type { SessionScope } from "../session-scope.ts";
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
}

/** Sends claimed commands: one relay at a time and in order, while the waits for acknowledgements overlap. */
export interface Dispatch {
  /** Sends while `canSend` holds; sends that were not tried are queued again when it resolves. */
  send(batch: Send[], socket: OpenSocket, canSend: () => boolean): Promise<void>;
  /** Sends `unknown` sends once more while `canSend` holds; see `resend.ts`. */
  resend(unknown: Send[], socket: OpenSocket, canSend: () => boolean): Promise<void>;
  /** Settles a send as failed without trying it. */
  refuse(send: Send, error: PublicError): Promise<void>;
  /** Resolves when no send waits for an acknowledgement. */
  idle(): Promise<void>;
}

/** How many sends are prepared ahead of the one whose turn it is. */
const aheadMax = 2;

export function createDispatch(scope: SessionScope, options: DispatchOptions): Dispatch {
  const { queue } = options;
  const outcomes = createSendOutcomes(options);
  const ackWindow = createAckWindow(scope.fail);

  const logSent = ({ _id, messageId }: Send, outcome: string, isAgain: boolean) =>
    scope.log.info({ event: "sent", commandId: _id, messageId, outcome, isAgain }, "message");
  const firstOptions: FirstSendOptions = {
    ...options,
    outcomes,
    ackWindow,
    onSettled: (send, { kind }) => logSent(send, kind, false),
  };
  const prepare = (send: Send, socket: OpenSocket) => prepareAttempt(scope, { send, socket }, options);

  return {
    async send(batch, socket, canSend) {
      const preparing: Promise<Prepared>[] = [];
      for (const [index, send] of batch.entries()) {
        for (const ahead of batch.slice(preparing.length, index + 1 + aheadMax)) {
          const prepared = prepare(ahead, socket);
          prepared.catch(() => undefined);
          preparing.push(prepared);
        }
        const prepared = preparing[index] ?? prepare(send, socket);
        const isDone =
          canSend() && (await firstSend(scope, { send, socket, canSend }, prepared, firstOptions));
        if (!isDone) return queue.unclaim(batch.slice(index).map(({ _id }) => _id));
      }
    },
    async resend(unknown, socket, canSend) {
      for (const send of unknown) {
        const resent = canSend() ? await resend(scope, send, socket, canSend, options) : null;
        if (!resent) continue;
        ackWindow.track(resent.answered.then((known) => logSent(send, known?.kind ?? "unsent", true)));
        await resent.written;
        await ackWindow.room();
      }
    },
    refuse: (send, error) => outcomes.settleUnsent(send, error, "failed"),
    idle: ackWindow.idle,
  };
}
