import type { CommandDocument } from "#shared/collections.ts";
import { isDuplicate } from "#shared/database-errors.ts";
import { ServiceError } from "#shared/errors.ts";
import type { DirectInsertion, DirectOptions, Look } from "#shared/local-connector.ts";
import type { CommandQueue } from "../commands/command-queue.ts";
import type { Send } from "../commands/send-settlement.ts";
import { accountOf, type OpenSocket } from "../connection/current-socket.ts";
import type { SessionScope } from "../session-scope.ts";

/**
 * The direct sends of a channel: those that the owner's own process inserts as claimed, so that they need not be found in the
 * queue. One look at the queue, which begins with the request, finds what goes first; then they are encrypted, also while the
 * insertion is not confirmed yet. One that somebody else may insert, too, waits for the confirmation.
 */
export interface DirectSends {
  /** Whether one more may come: false while many wait, and for a while after others were found in the queue. */
  hasRoom(): boolean;
  /** Inserts a send as claimed, behind those that wait here; see `LocalConnector.insertClaimed`. */
  insert(
    command: CommandDocument & { messageId: string },
    socket: OpenSocket,
    options: DirectOptions,
  ): Promise<DirectInsertion> | null;
  /** Begins a look for a send that may be inserted in a moment. */
  look(): Look;
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
  queue: Pick<CommandQueue, "claimed" | "insert" | "look" | "unclaim">;
  /** Called with a send that waits for nothing but its look. */
  onFirst(send: Send, socket: OpenSocket): void;
  /** Called at once when sends are taken back, and when one turns out to be in the queue. */
  onQueued(): void;
  /** A session fails with an insertion of which it is not certain whether it took place: the next owner rescues the send. */
  scope: Pick<SessionScope, "isOwner" | "fail">;
}

/** `behind`: something is queued that was there first; `exists`: somebody else has inserted it, and it is theirs. */
type State = "clear" | "behind" | "exists" | "deleted";

interface DirectSend {
  send: Send;
  gone: AbortSignal;
  state: Promise<State>;
}

/** Those that wait here, and those that were just taken. A send that has to wait longer can be cancelled, in the queue. */
const claimedMax = 32;
/** A command that is due only later is found by every look: each direct send would be taken back. */
const pauseMs = 1_000;
/** How old a look may be: the request's body may take long to arrive. */
const lookMs = 100;

export function createDirectSends({ queue, onFirst, onQueued, scope }: DirectSendsOptions): DirectSends {
  const waiting: DirectSend[] = [];
  /** How many were taken last. */
  let taken = 0;
  let pausedUntil = Number.NEGATIVE_INFINITY;

  const takeBack = async () => {
    if (waiting.length === 0) return;
    const all = waiting.splice(0);
    onQueued();
    const states = await Promise.allSettled(all.map(({ state }) => state));
    // The caller has got a 404, and the erasure removes it.
    const isDeleted = (index: number) =>
      states[index]?.status === "fulfilled" && states[index].value === "deleted";
    const sends = all.filter((_, index) => !isDeleted(index)).map(({ send }) => send);
    await queueAgain(queue, sends);
  };
  /** Resolves to the answer for the caller. */
  const accepted = async ({ _id }: Send, stored: Promise<void>, state: Promise<State>) => {
    await stored;
    // At once: later, it may have been queued and claimed again. A successor may have looked for orphans before it was stored.
    const isQueued = !scope.isOwner();
    if (isQueued) await queue.unclaim([_id]);
    if ((await state) === "deleted") throw new ServiceError("channel_not_found");
    return { isQueued };
  };

  /** Begins a look, which shows all that was accepted before the request with which it begins. */
  const begin = (): Look => {
    const open = queue.look();
    open.catch(() => undefined);
    return { at: performance.now(), open };
  };

  return {
    look: begin,
    hasRoom: () => waiting.length + taken < claimedMax && performance.now() >= pausedUntil,
    insert(command, socket, { mayExist, look }) {
      const claimed = queue.claimed(command, accountOf(socket));
      if (!claimed) return null;
      // Encryption waits for it, so it goes before the insertion.
      const { open } = look && performance.now() < look.at + lookMs ? look : begin();
      const stored = queue.insert(claimed);
      const exists = (error: unknown) => mayExist && isDuplicate(error);
      stored.catch((error) => exists(error) || scope.fail(error));
      const state = Promise.all([open, mayExist ? stored : undefined]).then(
        ([{ hasQueued, isDeleted }]): State => (isDeleted ? "deleted" : hasQueued ? "behind" : "clear"),
        (error): State => {
          if (exists(error)) return "exists";
          throw error;
        },
      );
      state.catch(() => undefined);
      const send = { ...claimed, messageId: command.messageId, stored };
      if (waiting.length === 0) onFirst(send, socket);
      waiting.push({ send, gone: socket.gone, state });
      return accepted(send, stored, state);
    },
    isEmpty: () => waiting.length === 0,
    async take({ gone }) {
      taken = 0;
      const next = [...waiting];
      const states = await Promise.all(next.map(({ state }) => state));
      const clear = next.filter((_, index) => states[index] === "clear");
      const isBehind = states.includes("behind");
      if (isBehind) pausedUntil = performance.now() + pauseMs;
      if (isBehind || next.some((one) => one.gone !== gone)) {
        await takeBack();
        return [];
      }
      if (states.includes("exists")) onQueued();
      waiting.splice(0, next.length);
      taken = clear.length;
      // The others were inserted by somebody else, or will be erased with their channel.
      return clear.map(({ send }) => send);
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
