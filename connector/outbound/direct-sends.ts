import type { CommandDocument } from "#shared/collections.ts";
import { isDuplicate } from "#shared/database-errors.ts";
import type { Insertion } from "#shared/local-connector.ts";
import type { CommandQueue } from "../commands/command-queue.ts";
import type { Send } from "../commands/send-settlement.ts";
import { accountOf, type OpenSocket } from "../connection/current-socket.ts";

/**
 * The direct sends of a channel: those that the owner's own process inserts as claimed, so that they need not be found in the
 * queue. They are prepared and encrypted while they are inserted, unless somebody else may insert them, too.
 */
export interface DirectSends {
  /** Whether one more may come: false while many wait, and for a while after others were found in the queue. */
  hasRoom(): boolean;
  /** Inserts a send as claimed, behind those that wait here. Settles as `insert` does. */
  insert(
    command: CommandDocument & { messageId: string },
    socket: OpenSocket,
    insertion: Insertion,
  ): Promise<void>;
  isEmpty(): boolean;
  /**
   * Takes those that may go out over this socket now, in order. When a send that was there before one of them is queued, or when
   * they were claimed for another socket, takes all back, and resolves to an empty array.
   */
  take(socket: OpenSocket): Promise<Send[]>;
  /** Queues all that wait here. Takes them out at once, and resolves when they are queued. */
  takeBack(): Promise<void>;
}

export interface DirectSendsOptions {
  queue: Pick<CommandQueue, "claimed" | "look" | "unclaim">;
  /** Called at once when sends are taken back. */
  onTakeBack(): void;
  /** Called when it is not certain whether an insertion took place: the next owner finds out. */
  onError(error: unknown): void;
}

/** `behind`: something is queued that was there first; `exists`: somebody else has inserted it, and it is theirs. */
type State = "clear" | "behind" | "exists";

interface DirectSend {
  send: Send;
  gone: AbortSignal;
  state: Promise<State>;
}

/** Those that wait here, and those that were just taken. A send that has to wait longer can be cancelled, in the queue. */
const claimedMax = 32;
/** A command that is due only later is found by every look: each direct send would be taken back. */
const pauseMs = 10_000;

export function createDirectSends({ queue, onTakeBack, onError }: DirectSendsOptions): DirectSends {
  const waiting: DirectSend[] = [];
  /** How many were taken last. */
  let taken = 0;
  let pausedUntil = Number.NEGATIVE_INFINITY;

  const takeBack = async () => {
    if (waiting.length === 0) return;
    const sends = waiting.splice(0).map(({ send }) => send);
    onTakeBack();
    await queueAgain(queue, sends);
  };
  return {
    hasRoom: () => waiting.length + taken < claimedMax && performance.now() >= pausedUntil,
    insert(command, socket, { insert, mayExist }) {
      const claimed = queue.claimed(command, accountOf(socket));
      const stored = insert(claimed);
      const exists = (error: unknown) => mayExist && isDuplicate(error);
      stored.catch((error) => exists(error) || onError(error));
      // Whatever was accepted before this request shows in a look that begins now.
      const state = Promise.all([queue.look(), mayExist ? stored : undefined]).then(
        ([{ hasQueued }]): State => (hasQueued ? "behind" : "clear"),
        (error): State => {
          if (exists(error)) return "exists";
          throw error;
        },
      );
      state.catch(() => undefined);
      const send = { ...claimed, messageId: command.messageId, stored };
      waiting.push({ send, gone: socket.gone, state });
      return stored;
    },
    isEmpty: () => waiting.length === 0,
    async take({ gone }) {
      taken = 0;
      const next = [...waiting];
      const states = await Promise.all(next.map(({ state }) => state));
      const isBehind = states.includes("behind");
      if (isBehind) pausedUntil = performance.now() + pauseMs;
      if (isBehind || next.some((one) => one.gone !== gone)) {
        await takeBack();
        return [];
      }
      waiting.splice(0, next.length);
      taken = next.length;
      return next.filter((_, index) => states[index] === "clear").map(({ send }) => send);
    },
    takeBack,
  };
}

/** Queues claimed sends again. One that was not stored is somebody else's, or left to the next owner. */
export async function queueAgain(
  queue: Pick<CommandQueue, "unclaim">,
  sends: readonly Send[],
): Promise<void> {
  const stored = await Promise.allSettled(sends.map((send) => send.stored));
  const ours = sends.filter((_, index) => stored[index]?.status === "fulfilled");
  await queue.unclaim(ours.map(({ _id }) => _id));
}
