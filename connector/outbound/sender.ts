import type { CommandDocument } from "#shared/collections.ts";
import { publicError, ServiceError } from "#shared/errors.ts";
import { newMessageId } from "#shared/ids.ts";
import type { ReportUnclaimable } from "../commands/claim.ts";
import type { Send } from "../commands/send-settlement.ts";
import { accountOf, type OpenSocket } from "../connection/current-socket.ts";
import { createDispatch, type DispatchOptions } from "./dispatch.ts";

/** What a sender may do at the moment. */
export type Sending = ({ kind: "open" } & OpenSocket) | { kind: "closed" } | { kind: "logged_out" };

export interface SenderOptions extends DispatchOptions {
  /** Asked before every step that must not be taken by a former owner or on a socket that is gone. */
  sending(): Sending;
  isOwner(): boolean;
}

/** Lanes 1 and 2. */
export interface Sender {
  /** There may be something to do. */
  ring(): void;
  /** Claims nothing more, and resolves when nothing is on its way. */
  stop(): Promise<void>;
}

const batchMax = 16;

export function createSender(options: SenderOptions): Sender {
  const { queue, messageStatuses, sending, isOwner, onError } = options;
  const dispatch = createDispatch(options);
  let isStopping = false;
  let isDirty = false;
  let working: Promise<void> | null = null;
  let resentOn: AbortSignal | null = null;
  const mayWork = () => !isStopping && isOwner();

  const tellSpent: ReportUnclaimable = async (spent) => {
    await Promise.all(
      spent.map(async ({ command, settlement }) => {
        if (hasMessageId(command)) await messageStatuses.publishNotSent(command, settlement.error.code);
      }),
    );
  };
  const next = async (): Promise<Send[]> => {
    const claimed = await queue.claim([1, 2], batchMax, tellSpent);
    return claimed.map((command) => ({ ...command, messageId: command.messageId ?? newMessageId() }));
  };
  /** Once for each socket, before anything new: what is `unknown` by then is of an earlier one. */
  const resend = async (socket: OpenSocket, canSend: () => boolean) => {
    if (resentOn === socket.gone) return;
    await dispatch.idle();
    await dispatch.resend((await queue.resendable(accountOf(socket))).filter(hasMessageId), socket, canSend);
    resentOn = socket.gone;
  };

  const passes: Record<Sending["kind"], () => Promise<void>> = {
    async closed() {
      await queue.expire(tellSpent);
    },
    async logged_out() {
      const loggedOut = publicError(new ServiceError("channel_logged_out"));
      while (mayWork() && sending().kind === "logged_out") {
        const batch = await next();
        if (batch.length === 0) return;
        await Promise.all(batch.map((send) => dispatch.refuse(send, loggedOut)));
      }
    },
    async open() {
      for (let now = sending(); mayWork() && now.kind === "open"; now = sending()) {
        const { wa, gone } = now;
        const canSend = () => mayWork() && !gone.aborted && sending().kind === "open";
        await resend({ wa, gone }, canSend);
        if (!canSend()) continue;
        const batch = await next();
        if (batch.length === 0) return;
        await dispatch.send(batch, { wa, gone }, canSend);
      }
    },
  };
  const work = async () => {
    while (isDirty && mayWork()) {
      isDirty = false;
      await passes[sending().kind]().catch(onError);
    }
    working = null;
  };

  return {
    ring() {
      isDirty = true;
      working ??= Promise.resolve().then(work);
    },
    async stop() {
      isStopping = true;
      await working;
      await dispatch.idle();
    },
  };
}

function hasMessageId(command: CommandDocument): command is Send {
  return command.messageId !== undefined;
}
