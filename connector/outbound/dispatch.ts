import type { PublicError } from "#shared/errors.ts";
import type { CommandQueue } from "../commands/command-queue.ts";
import type { Send } from "../commands/send-settlement.ts";
import type { TokenBucket } from "../concurrency/token-bucket.ts";
import type { OpenSocket } from "../connection/current-socket.ts";
import type { Announcements } from "../messages/announcements.ts";
import type { MessageStatuses } from "../messages/message-status.ts";
import type { MessageStore } from "../messages/message-store.ts";
import type { Prepared } from "../messages/to-whatsapp.ts";
import type { SessionScope } from "../session-scope.ts";
import { createAckWindow } from "./ack-window.ts";
import { createCarriage, type Preparing } from "./carriage.ts";
import { chatOf } from "./chat-of.ts";
import { isClear, queueAgain } from "./direct-sends.ts";
import { type FirstSendOptions, firstSend, prepareAttempt } from "./first-send.ts";
import type { PrepareOptions } from "./prepare.ts";
import { prepareAgain, type ResendOptions, resend } from "./resend.ts";
import { createSendOutcomes } from "./send-outcome.ts";
import { createSetAside } from "./set-aside.ts";
import type { SendAttempt } from "./try-in-place.ts";

export interface DispatchOptions {
  queue: CommandQueue;
  messageStatuses: MessageStatuses;
  messageStore: MessageStore;
  announcements: Announcements;
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
  /**
   * Sends while `canSend` holds, and queues again what cannot go out now. Resolves when each send is through or set aside: to
   * true, or to false when some were queued again.
   */
  send(batch: Send[], socket: OpenSocket, canSend: () => boolean): Promise<boolean>;
  /** Sends `unknown` sends once more while `canSend` holds; see `resend.ts`. Resolves as `send` does. */
  resend(unknown: Send[], socket: OpenSocket, canSend: () => boolean): Promise<boolean>;
  /** Settles a send as failed without trying it. */
  refuse(send: Send, error: PublicError): Promise<void>;
  /** Resolves when no send is set aside or waits for an acknowledgement. */
  idle(): Promise<void>;
}

/** How many sends are prepared ahead of the one whose turn it is. */
const aheadMax = 2;

/** One kind of trip to the wire. */
interface Journey<T> {
  prepare(attempt: SendAttempt): Promise<T>;
  /** Resolves to whether the send needs nothing more. */
  go(attempt: SendAttempt, prepared: Promise<T>): Promise<boolean>;
  /** Takes back sends that cannot go out now. */
  takeBack(sends: readonly Send[]): Promise<void>;
}

/** `onQueuedAgain` is called for a send that was set aside. */
export function createDispatch(
  scope: SessionScope,
  options: DispatchOptions,
  onQueuedAgain: () => void,
): Dispatch {
  const { queue } = options;
  const outcomes = createSendOutcomes(options);
  const ackWindow = createAckWindow(scope.fail);
  const setAside = createSetAside(scope.fail);
  const carriage = createCarriage(options.overtakeMs);

  const logSent = ({ _id, messageId }: Send, outcome: string, isAgain: boolean) =>
    scope.log.info({ event: "sent", commandId: _id, messageId, outcome, isAgain }, "message");
  const shared = { ...options, ...carriage, ackWindow };
  const firstOptions: FirstSendOptions = {
    ...shared,
    outcomes,
    onSettled: (send, { kind }) => logSent(send, kind, false),
  };
  const resendOptions: ResendOptions = {
    ...shared,
    onResent: (send, outcome) => logSent(send, outcome?.kind ?? "unsent", true),
  };
  const first: Journey<Prepared> = {
    prepare: (attempt) => prepareAttempt(scope, attempt, options),
    go: (attempt, prepared) => firstSend(scope, attempt, prepared, firstOptions),
    takeBack: (sends) => queueAgain(queue, sends),
  };
  /** They stay `unknown`. */
  const second: Journey<Prepared | null> = {
    prepare: (attempt) => prepareAgain(attempt, options),
    go: (attempt, prepared) => resend(scope, attempt, prepared, resendOptions),
    takeBack: async () => undefined,
  };

  const carryAll = async <T>(journey: Journey<T>, attempts: readonly SendAttempt[]): Promise<boolean> => {
    const preparing: Preparing<T>[] = [];
    const prepare = (attempt: SendAttempt) => carriage.prepare(attempt.send, () => journey.prepare(attempt));
    for (const [index, attempt] of attempts.entries()) {
      for (const ahead of attempts.slice(preparing.length, index + 1 + aheadMax)) {
        preparing.push(prepare(ahead));
      }
      const own = preparing[index] ?? prepare(attempt);
      const chat = chatOf(attempt.send);
      let isTakenBack = false;
      const current = { ...attempt, canSend: () => !isTakenBack && attempt.canSend() };
      const carried = carriage.carry(current, own.patience, (ready) => journey.go(ready, own.prepared));
      const isOver = setAside.has(chat) ? Promise.resolve() : own.patience.over;
      // One behind which others are queued is taken back before they go out.
      const isOvertaken = isOver.then(async () => ((await isClear(attempt.send)) ? null : false));
      const isDone = await Promise.race([carried, isOvertaken]);
      if (isDone === false) {
        isTakenBack = true;
        for (const { patience } of preparing) patience.pause();
        await journey.takeBack(attempts.slice(index).map(({ send }) => send));
        return false;
      }
      if (isDone) continue;
      const orTakeBack = async (done: boolean) => {
        if (done) return;
        await journey.takeBack([attempt.send]);
        onQueuedAgain();
      };
      await setAside.add(chat, carried.then(orTakeBack));
    }
    return true;
  };

  return {
    send: (batch, ...over) => carryAll(first, attemptsOf(batch, ...over)),
    resend: (unknown, ...over) => carryAll(second, attemptsOf(unknown, ...over)),
    refuse: (send, error) => outcomes.settleUnsent(send, error, "failed"),
    async idle() {
      await setAside.idle();
      await ackWindow.idle();
    },
  };
}

function attemptsOf(sends: readonly Send[], socket: OpenSocket, canSend: () => boolean): SendAttempt[] {
  return sends.map((send) => ({ send, socket, canSend }));
}
