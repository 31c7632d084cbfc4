import type { CommandDocument } from "../shared/collections.ts";
import { publicError, ServiceError } from "../shared/errors.ts";
import { newMessageId } from "../shared/ids.ts";
import { createDispatch, type DispatchOptions } from "./dispatch.ts";
import type { OpenSocket } from "./relay.ts";
import type { Send } from "./settlement.ts";

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
  const { queue, delivery, sending, isOwner, onError } = options;
  const dispatch = createDispatch(options);
  let isStopping = false;
  let isDirty = false;
  let working: Promise<void> | null = null;
  const mayWork = () => !isStopping && isOwner();

  const tellExpired = async (expired: CommandDocument[]) => {
    const told = { status: "failed", error: { code: "expired" } } as const;
    const ids = expired.map(({ messageId }) => messageId).filter((id) => id !== undefined);
    await Promise.all(ids.map((messageId) => delivery.tell({ messageId, ...told })));
  };
  const next = async (): Promise<Send[]> => {
    const { claimed, expired } = await queue.claim([1, 2], batchMax);
    await tellExpired(expired);
    return claimed.map((command) => ({ ...command, messageId: command.messageId ?? newMessageId() }));
  };

  const passes: Record<Sending["kind"], () => Promise<void>> = {
    async closed() {
      for (let expired = await queue.expire(); expired.length > 0; expired = await queue.expire()) {
        await tellExpired(expired);
      }
    },
    async logged_out() {
      const loggedOut = publicError(new ServiceError("channel_logged_out"));
      while (mayWork() && sending().kind === "logged_out") {
        const batch = await next();
        if (batch.length === 0) return;
        for (const send of batch) await dispatch.refuse(send, loggedOut);
      }
    },
    async open() {
      for (let now = sending(); mayWork() && now.kind === "open"; now = sending()) {
        const { wa, gone } = now;
        const batch = await next();
        if (batch.length === 0) return;
        await dispatch.send(
          batch,
          { wa, gone },
          () => mayWork() && !gone.aborted && sending().kind === "open",
        );
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
