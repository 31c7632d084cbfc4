import type { PublicError } from "#shared/errors.ts";
import type { CommandQueue } from "../commands/command-queue.ts";
import { type Send, type SendEnd, sendFailure } from "../commands/send-settlement.ts";
import type { MessageStatuses } from "../messages/message-status.ts";

/** News on its way: `logged` when it is in the log, `done` when the message's record has it, too. */
export interface Publication {
  logged: Promise<void>;
  done: Promise<void>;
}

/** How sends end: what is told of them, and what their commands say. */
export interface SendOutcomes {
  /** Tells how a send ended; its command is not settled by that. */
  publish(send: Send, ending: SendEnd): Publication;
  /**
   * Settles a send once it is told, by `telling` if that is under way. The event comes first: who dies between the two
   * leaves a command that the next owner settles by the log.
   */
  settle(send: Send, ending: SendEnd, telling?: Publication): Promise<void>;
  /** Settles a send that did not leave. */
  settleUnsent(send: Send, error: PublicError, state: "failed" | "dead"): Promise<void>;
}

export interface SendOutcomesOptions {
  queue: Pick<CommandQueue, "settle">;
  messageStatuses: Pick<MessageStatuses, "publish" | "publishNotSent">;
}

export function createSendOutcomes({ queue, messageStatuses }: SendOutcomesOptions): SendOutcomes {
  const publish = ({ messageId }: Send, { statusUpdate }: SendEnd): Publication => {
    const { promise: logged, resolve, reject } = Promise.withResolvers<void>();
    const done = messageStatuses.publish({ messageId, ...statusUpdate }, resolve);
    done.then(resolve, reject);
    logged.catch(() => undefined);
    return { logged, done };
  };

  return {
    publish,
    async settle(send, ending, { logged, done } = publish(send, ending)) {
      await logged;
      await Promise.all([done, queue.settle(send._id, ending.settlement)]);
      // A receipt that came between the two looked for a command that is `unknown` already.
      if (ending.settlement.state === "unknown") await publish(send, ending).done;
    },
    async settleUnsent(send, error, state) {
      await messageStatuses.publishNotSent(send, error.code);
      await queue.settle(send._id, sendFailure(send, error, state));
    },
  };
}
