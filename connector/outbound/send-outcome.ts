import type { PublicError } from "#shared/errors.ts";
import type { CommandQueue } from "../commands/command-queue.ts";
import {
  type RelayOutcome,
  type Send,
  type SendEnd,
  type SendFacts,
  sendEnd,
  sendFailure,
} from "../commands/send-settlement.ts";
import type { MessageStatuses } from "../messages/message-status.ts";

/**
 * Publishes how sends end, then settles their commands. The event always comes first: if the process dies between the two,
 * the next owner settles the command by the log.
 */
export interface SendOutcomes {
  /** Begins to publish the outcome of a relay; call it as soon as the outcome is known. */
  publish(send: Send, facts: SendFacts, outcome: RelayOutcome): void;
  /** Settles a send once its outcome is published, by an earlier `publish` or now. */
  settle(send: Send, facts: SendFacts, outcome: RelayOutcome): Promise<void>;
  /** Publishes and settles a send that did not reach the wire. */
  settleUnsent(send: Send, error: PublicError, state: "failed" | "dead"): Promise<void>;
}

export interface SendOutcomesOptions {
  queue: Pick<CommandQueue, "settle">;
  messageStatuses: Pick<MessageStatuses, "publish" | "publishNotSent">;
}

/** An outcome on its way: `logged` resolves when the event is in the log, `stored` when `messages` has it, too. */
interface Publication {
  end: SendEnd;
  logged: Promise<void>;
  stored: Promise<void>;
}

export function createSendOutcomes({ queue, messageStatuses }: SendOutcomesOptions): SendOutcomes {
  /** Published and not yet settled, by command. */
  const publications = new Map<string, Publication>();

  const publishEnd = ({ messageId }: Send, end: SendEnd): Publication => {
    const { promise: logged, resolve, reject } = Promise.withResolvers<void>();
    const stored = messageStatuses.publish({ messageId, ...end.statusUpdate }, resolve);
    stored.then(resolve, reject);
    logged.catch(() => undefined);
    return { end, logged, stored };
  };
  const publicationOf = (send: Send, facts: SendFacts, outcome: RelayOutcome): Publication => {
    const begun = publications.get(send._id);
    if (begun) return begun;
    const publication = publishEnd(send, sendEnd(send, facts, outcome));
    publications.set(send._id, publication);
    return publication;
  };

  return {
    publish: (send, facts, outcome) => void publicationOf(send, facts, outcome),
    async settle(send, facts, outcome) {
      const { end, logged, stored } = publicationOf(send, facts, outcome);
      publications.delete(send._id);
      await logged;
      await Promise.all([stored, queue.settle(send._id, end.settlement)]);
      // A receipt between the two found a command that was not `unknown` yet: publishing again completes it.
      if (end.settlement.state === "unknown") await publishEnd(send, end).stored;
    },
    async settleUnsent(send, error, state) {
      await messageStatuses.publishNotSent(send, error.code);
      await queue.settle(send._id, sendFailure(send, error, state));
    },
  };
}
