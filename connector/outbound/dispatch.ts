import type { PublicError } from "#shared/errors.ts";
import type { CommandQueue } from "../commands/command-queue.ts";
import type { Send } from "../commands/send-settlement.ts";
import type { TokenBucket } from "../concurrency/token-bucket.ts";
import type { OpenSocket } from "../connection/current-socket.ts";
import type { MessageStatuses } from "../messages/message-status.ts";
import type { MessageStore } from "../messages/message-store.ts";
import type { SessionScope } from "../session-scope.ts";
import { createAckWindow } from "./ack-window.ts";
import { createCarriage, type Preparing } from "./carriage.ts";
import { chatOf } from "./chat-of.ts";
import type { PrepareOptions } from "./prepare.ts";
import { resend } from "./resend.ts";
import { createSendOutcomes } from "./send-outcome.ts";
import { createSetAside } from "./set-aside.ts";

export interface DispatchOptions {
  queue: CommandQueue;
  messageStatuses: MessageStatuses;
  messageStore: MessageStore;
  bucket: TokenBucket;
  preparation: PrepareOptions;
  ackMs: number;
  /** How long a send that is not ready keeps later sends to other chats waiting. */
  overtakeMs: number;
}

/**
 * Sends claimed commands: one relay at a time and in order, while the waits for acknowledgements overlap. A send that is not
 * ready in time is set aside: later sends to other chats overtake it, those to its own chat never do.
 */
export interface Dispatch {
  /** Sends while `canSend` holds, and queues again what was not tried. Resolves when each send is through or set aside. */
  send(batch: Send[], socket: OpenSocket, canSend: () => boolean): Promise<void>;
  /** Sends `unknown` sends once more while `canSend` holds; see `resend.ts`. */
  resend(unknown: Send[], socket: OpenSocket, canSend: () => boolean): Promise<void>;
  /** Settles a send as failed without trying it. */
  refuse(send: Send, error: PublicError): Promise<void>;
  /** Resolves when no send is set aside or waits for an acknowledgement. */
  idle(): Promise<void>;
}

/** How many sends are prepared ahead of the one whose turn it is. */
const aheadMax = 2;

export function createDispatch(scope: SessionScope, options: DispatchOptions): Dispatch {
  const { queue } = options;
  const outcomes = createSendOutcomes(options);
  const ackWindow = createAckWindow(scope.fail);
  const setAside = createSetAside(scope.fail);

  const logSent = ({ _id, messageId }: Send, outcome: string, isAgain: boolean) =>
    scope.log.info({ event: "sent", commandId: _id, messageId, outcome, isAgain }, "message");
  const carriage = createCarriage(scope, {
    ...options,
    outcomes,
    ackWindow,
    onSettled: (send, { kind }) => logSent(send, kind, false),
  });

  return {
    async send(batch, socket, canSend) {
      const preparing: Preparing[] = [];
      for (const [index, send] of batch.entries()) {
        for (const ahead of batch.slice(preparing.length, index + 1 + aheadMax)) {
          preparing.push(carriage.prepare(ahead, socket));
        }
        const own = preparing[index] ?? carriage.prepare(send, socket);
        const chat = chatOf(send);
        const carried = carriage.carry({ send, socket, canSend }, own);
        const isOvertaken = setAside.has(chat) ? Promise.resolve(null) : own.patience.over.then(() => null);
        const isDone = await Promise.race([carried, isOvertaken]);
        if (isDone === false) {
          for (const { patience } of preparing) patience.pause();
          return queue.unclaim(batch.slice(index).map(({ _id }) => _id));
        }
        if (isDone) continue;
        const requeue = (done: boolean) => (done ? undefined : queue.unclaim([send._id]));
        await setAside.add(chat, carried.then(requeue));
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
    async idle() {
      await setAside.idle();
      await ackWindow.idle();
    },
  };
}
