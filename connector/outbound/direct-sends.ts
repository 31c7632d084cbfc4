import type { CommandDocument } from "#shared/collections.ts";
import { isDuplicate } from "#shared/database-errors.ts";
import { ServiceError } from "#shared/errors.ts";
import type { DirectInsertion, DirectOptions, Look } from "#shared/local-connector.ts";
import type { CommandQueue } from "../commands/command-queue.ts";
import type { Clearance, DirectSend } from "../commands/direct-send.ts";
import type { Send } from "../commands/send-settlement.ts";
import { accountOf, type OpenSocket } from "../connection/current-socket.ts";
import type { SessionScope } from "../session-scope.ts";
import { createLooks } from "./looks.ts";

/**
 * The direct sends of a channel: those that the owner's own process inserts as claimed, so that they need not be found in the
 * queue. One look at the queue, which begins with the request, finds what goes first. Meanwhile they are stored and encrypted; a
 * stanza leaves when nothing was found. If somebody else may insert the send, too, its stanza also waits until it is stored.
 */
export interface DirectSends {
  /** Whether one more may come: false while many wait, and after others were found in the queue until a look finds none. */
  hasRoom(): boolean;
  /** Whether a look may begin: also once a second while others were found in the queue. */
  mayLook(): boolean;
  /** Inserts a send as claimed, behind those that wait here; see `LocalConnector.insertClaimed`. */
  insert(
    command: CommandDocument & { messageId: string },
    socket: OpenSocket,
    options: DirectOptions,
  ): Promise<DirectInsertion> | null;
  /** Begins a look for a send that may be inserted in a moment. One that finds nothing lets direct sends come again. */
  look(): Look;
  isEmpty(): boolean;
  /**
   * Takes those that wait, in order, to go out over this socket. When some were claimed for another socket, takes all back, and
   * resolves to an empty array.
   */
  take(socket: OpenSocket): Promise<Send[]>;
  /** Queues all that wait here. Takes them out at once, and resolves when they are queued. */
  takeBack(): Promise<void>;
}

export interface DirectSendsOptions {
  queue: Pick<CommandQueue, "claimed" | "insert" | "look" | "unclaim">;
  /** Called at once when sends are taken back. */
  onQueued(): void;
  /** A session fails with an insertion of which it is not certain whether it took place: the next owner rescues the send. */
  scope: Pick<SessionScope, "isOwner" | "fail">;
}

type WaitingSend = Send & { direct: DirectSend };

/** Those that wait here, and those that were just taken. A send that has to wait longer can be cancelled, in the queue. */
const claimedMax = 32;

export function createDirectSends({ queue, onQueued, scope }: DirectSendsOptions): DirectSends {
  const waiting: { send: WaitingSend; gone: AbortSignal }[] = [];
  /** How many were taken last. */
  let taken = 0;
  const looks = createLooks(queue);
  const mayWait = () => waiting.length + taken < claimedMax;

  const takeBack = async () => {
    if (waiting.length === 0) return;
    const all = waiting.splice(0);
    onQueued();
    await queueAgain(
      queue,
      all.map(({ send }) => send),
    );
  };
  /** Resolves to the answer for the caller. */
  const accepted = async ({ _id, direct: { stored, clearance } }: WaitingSend) => {
    await stored;
    // At once: later, it may have been queued and claimed again. A successor may have looked for orphans before it was stored.
    const isQueued = !scope.isOwner();
    if (isQueued) await queue.unclaim([_id]);
    if ((await clearance) === "deleted") throw new ServiceError("channel_not_found");
    return { isQueued };
  };

  return {
    look: looks.begin,
    hasRoom: () => mayWait() && !looks.isBehind(),
    mayLook: () => mayWait() && looks.mayBegin(),
    insert(command, socket, { mayExist, look }) {
      const claimed = queue.claimed(command, accountOf(socket));
      if (!claimed) return null;
      const looked = looks.clearance(look);
      const stored = queue.insert(claimed);
      const exists = (error: unknown) => mayExist && isDuplicate(error);
      stored.catch((error) => exists(error) || scope.fail(error));
      const clearance = Promise.all([looked, mayExist ? stored : undefined]).then(
        ([found]) => found,
        (error): Clearance => {
          if (exists(error)) return "exists";
          throw error;
        },
      );
      clearance.catch(scope.fail);
      const send = { ...claimed, messageId: command.messageId, direct: { stored, clearance } };
      waiting.push({ send, gone: socket.gone });
      return accepted(send);
    },
    isEmpty: () => waiting.length === 0,
    async take({ gone }) {
      if (waiting.some((one) => one.gone !== gone)) {
        await takeBack();
        return [];
      }
      const all = waiting.splice(0);
      taken = all.length;
      return all.map(({ send }) => send);
    },
    takeBack,
  };
}

/**
 * Queues claimed sends again. One that was not stored is somebody else's, or left to the next owner; the caller of one on a
 * deleted channel has got a 404, and the erasure removes it.
 */
export async function queueAgain(
  queue: Pick<CommandQueue, "unclaim">,
  sends: readonly Send[],
): Promise<void> {
  const isOurs = async ({ direct }: Send) => {
    await direct?.stored;
    return (await direct?.clearance) !== "deleted";
  };
  const answers = await Promise.all(sends.map((send) => isOurs(send).catch(() => false)));
  const ours = sends.filter((_, index) => answers[index]);
  await queue.unclaim(ours.map(({ _id }) => _id));
}

/** Whether a send may go out; one that was claimed before may. */
export async function isClear({ direct }: Send): Promise<boolean> {
  return !direct || (await direct.clearance) === "clear";
}
