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
import type { Announcements } from "../messages/announcements.ts";
import type { MessageStatuses } from "../messages/message-status.ts";

/**
 * Publishes how sends end, then settles their commands. The event always comes first: if the process dies between the two,
 * the next owner settles the command by the log.
 */
export interface SendOutcomes {
  /** For one relay of a send. */
  begin(send: Send, facts: SendFacts): SendOutcome;
  /** Publishes and settles a send that did not reach the wire. */
  settleUnsent(send: Send, error: PublicError, state: "failed" | "dead"): Promise<void>;
}

/** The outcome of one relay. */
interface SendOutcome {
  /** Begins to publish the outcome; call it as soon as the outcome is known. */
  publish(outcome: RelayOutcome): void;
  /** Settles the send once its outcome is published, by an earlier `publish` or now. What is published decides. */
  settle(outcome: RelayOutcome): Promise<void>;
}

export interface SendOutcomesOptions {
  queue: Pick<CommandQueue, "settle">;
  messageStatuses: Pick<MessageStatuses, "publish" | "publishNotSent">;
  announcements: Pick<Announcements, "announceUnsent">;
}

/** An outcome on its way to the log. */
interface Publication {
  end: SendEnd;
  logged: Promise<void>;
}

export function createSendOutcomes({
  queue,
  messageStatuses,
  announcements,
}: SendOutcomesOptions): SendOutcomes {
  const publish = ({ messageId }: Send, end: SendEnd): Publication => {
    const logged = messageStatuses.publish({ messageId, ...end.statusUpdate });
    logged.catch(() => undefined);
    return { end, logged };
  };

  return {
    begin(send, facts) {
      let publication: Publication | null = null;
      const published = (outcome: RelayOutcome) => {
        publication ??= publish(send, sendEnd(send, facts, outcome));
        return publication;
      };
      return {
        publish: (outcome) => void published(outcome),
        async settle(outcome) {
          const { end, logged } = published(outcome);
          await logged;
          await queue.settle(send._id, end.settlement);
          // A receipt between the two found a command that was not `unknown` yet: publishing again completes it.
          if (end.settlement.state === "unknown") await publish(send, end).logged;
        },
      };
    },
    async settleUnsent(send, error, state) {
      await announcements.announceUnsent(send);
      await messageStatuses.publishNotSent(send, error.code);
      await queue.settle(send._id, sendFailure(send, error, state));
    },
  };
}
