/** Carries a claimed send to its outcome: prepares, paces and relays it, then publishes and settles what became of it. */

import type { QueuedCommand } from "#shared/changes.ts";
import type { CommandDocument } from "#shared/collections.ts";
import { publicError, ServiceError } from "#shared/errors.ts";
import { newMessageId } from "#shared/ids.ts";
import type { DirectInsertion, DirectOptions, Look } from "#shared/local-connector.ts";
import type { ReportUnclaimable } from "../commands/claim.ts";
import { isSend, type Send } from "../commands/send-settlement.ts";
import { createWorkLoop } from "../concurrency/work-loop.ts";
import { accountOf, type OpenSocket } from "../connection/current-socket.ts";
import type { SessionScope } from "../session-scope.ts";
import { createDispatch, type DispatchOptions } from "./dispatch.ts";
import { batchMax, createOutbox } from "./outbox.ts";

/** Tells a sender whether it may send now, and over which socket. */
export type Sending = ({ kind: "open" } & OpenSocket) | { kind: "closed" } | { kind: "logged_out" };

export interface SenderOptions extends DispatchOptions {
  /** Asked before every step that must not be taken on a socket that is gone. */
  sending(): Sending;
}

/** Works on lanes 1 and 2, the messages. */
export interface Sender {
  /** Call it when this command was just queued, or without one when there may be any. */
  ring(queued?: QueuedCommand): void;
  /** Inserts a direct send. Returns null while it would have to wait: then it belongs in the queue. */
  insertClaimed(command: CommandDocument, direct: DirectOptions): Promise<DirectInsertion> | null;
  /** Begins a look for a direct send that may follow; null while it would have to wait. */
  look(): Look | null;
  /** Claims no more commands. Resolves when no send is on its way. */
  stop(): Promise<void>;
}

export function createSender(scope: SessionScope, options: SenderOptions): Sender {
  const { queue, messageStatuses, sending } = options;
  const dispatch = createDispatch(scope, options, () => sender.ring());
  let resentOn: AbortSignal | null = null;

  const reportUnclaimable = reportTo(messageStatuses);
  const claimToRefuse = async (): Promise<Send[]> => {
    const claimed = await queue.claim([1, 2], batchMax, reportUnclaimable);
    return claimed.map((command) => ({ ...command, messageId: command.messageId ?? newMessageId() }));
  };
  const outbox = createOutbox({ queue, report: reportUnclaimable, scope });
  /** Once for each socket, before any new send: a send that is `unknown` by then was relayed on an earlier socket. */
  const resendUnknown = async (socket: OpenSocket, canSend: () => boolean) => {
    if (resentOn === socket.gone) return;
    await dispatch.idle();
    if ((await queue.look()).hasBegun) {
      const unknown = await queue.resendable(accountOf(socket));
      await dispatch.resend(unknown.filter(isSend), socket, canSend);
    }
    resentOn = socket.gone;
  };
  const passes: Record<Sending["kind"], () => Promise<void>> = {
    async closed() {
      await outbox.takeBack();
      if ((await queue.look()).hasQueued) await queue.expire(reportUnclaimable);
    },
    async logged_out() {
      await outbox.takeBack();
      const loggedOut = publicError(new ServiceError("channel_logged_out"));
      while (loop.mayWork() && sending().kind === "logged_out") {
        const batch = await claimToRefuse();
        if (batch.length === 0) return;
        await Promise.all(batch.map((send) => dispatch.refuse(send, loggedOut)));
      }
    },
    async open() {
      for (let now = sending(); loop.mayWork() && now.kind === "open"; now = sending()) {
        const { wa, gone } = now;
        const canSend = () => loop.mayWork() && !gone.aborted && sending().kind === "open";
        await resendUnknown({ wa, gone }, canSend);
        if (!canSend()) continue;
        const sends = await outbox.next({ wa, gone });
        if (sends.length === 0 && outbox.isEmpty()) return;
        const isThrough = await dispatch.send(sends, { wa, gone }, canSend);
        // Direct ones came after those that were queued again.
        if (!isThrough) await outbox.takeBackBehind();
      }
    },
  };
  const loop = createWorkLoop({
    mayWork: scope.isOwner,
    pass: () => passes[sending().kind](),
    onError: scope.fail,
  });

  const socketForDirect = (): OpenSocket | null => {
    const now = sending();
    return now.kind === "open" && loop.mayWork() && resentOn === now.gone ? now : null;
  };

  const sender: Sender = {
    ring(queued) {
      outbox.ring(queued);
      loop.ring();
    },
    look: () => (socketForDirect() ? outbox.look() : null),
    insertClaimed(command, direct) {
      const socket = socketForDirect();
      const stored = socket && outbox.insert(command, socket, direct);
      // A turn later, so that the look and the insertion are on their way before encryption occupies the process.
      if (stored !== null) setImmediate(loop.ring);
      return stored;
    },
    async stop() {
      await loop.stop();
      await outbox.takeBack().catch(scope.fail);
      await dispatch.idle();
    },
  };
  return sender;
}

function reportTo(messageStatuses: SenderOptions["messageStatuses"]): ReportUnclaimable {
  return async (unclaimable) => {
    await Promise.all(
      unclaimable.map(async ({ command, settlement }) => {
        if (isSend(command)) await messageStatuses.publishNotSent(command, settlement.error.code);
      }),
    );
  };
}
