import type { PublicError } from "#shared/errors.ts";
import type { CommandQueue } from "../commands/command-queue.ts";
import { type Ending, failureOf, type Send } from "../commands/settlement.ts";
import type { Delivery } from "../messages/delivery.ts";

/** News on its way: `logged` when it is in the log, `done` when the message's record has it, too. */
export interface Telling {
  logged: Promise<void>;
  done: Promise<void>;
}

/** How sends end: what is told of them, and what their commands say. */
export interface Conclusion {
  /** Tells how a send ended; its command is not settled by that. */
  tell(send: Send, ending: Ending): Telling;
  /**
   * Settles a send once it is told, by `telling` if that is under way. The event comes first: who dies between the two
   * leaves a command that the next owner settles by the log.
   */
  end(send: Send, ending: Ending, telling?: Telling): Promise<void>;
  /** Settles a send that did not leave. */
  endBeforeWire(send: Send, error: PublicError, state: "failed" | "dead"): Promise<void>;
}

export interface ConclusionOptions {
  queue: Pick<CommandQueue, "settle">;
  delivery: Pick<Delivery, "tell" | "tellNotSent">;
}

export function createConclusion({ queue, delivery }: ConclusionOptions): Conclusion {
  const tell = ({ messageId }: Send, { told }: Ending): Telling => {
    const { promise: logged, resolve, reject } = Promise.withResolvers<void>();
    const done = delivery.tell({ messageId, ...told }, resolve);
    done.then(resolve, reject);
    logged.catch(() => undefined);
    return { logged, done };
  };

  return {
    tell,
    async end(send, ending, { logged, done } = tell(send, ending)) {
      await logged;
      await Promise.all([done, queue.settle(send._id, ending.settlement)]);
      // A receipt that came between the two looked for a command that is `unknown` already.
      if (ending.settlement.state === "unknown") await tell(send, ending).done;
    },
    async endBeforeWire(send, error, state) {
      await delivery.tellNotSent(send, error.code);
      await queue.settle(send._id, failureOf(send, error, state));
    },
  };
}
