import { createBoundedCache } from "#shared/bounded-cache.ts";
import type { QueuedCommand } from "#shared/changes.ts";
import type { CommandDocument } from "#shared/collections.ts";
import type { DirectInsertion, DirectOptions, Look } from "#shared/local-connector.ts";
import type { ReportUnclaimable } from "../commands/claim.ts";
import type { CommandQueue } from "../commands/command-queue.ts";
import type { Send } from "../commands/send-settlement.ts";
import { accountOf, type OpenSocket } from "../connection/current-socket.ts";
import type { SessionScope } from "../session-scope.ts";
import { claimBeside, mayGoAhead } from "./claim-beside.ts";
import { createDirectSends } from "./direct-sends.ts";

/** The sends of a channel in order: direct ones, then those in the queue. */
export interface Outbox {
  /** Call it when this send was just queued, or without one when there may be any in the queue. */
  ring(queued: QueuedCommand | undefined): void;
  /** Inserts a direct send. Returns null when it has to be queued, because others are or may be, or many wait. */
  insert(
    command: CommandDocument,
    socket: OpenSocket,
    direct: DirectOptions,
  ): Promise<DirectInsertion> | null;
  /** Begins a look for a direct send that may follow; null when it would not help. */
  look(): Look | null;
  /** The sends that go out over this socket next, claimed or being claimed; an empty array when none is due. */
  next(socket: OpenSocket): Promise<Send[]>;
  /** Whether `next` would look for nothing. */
  isEmpty(): boolean;
  /** Queues the direct sends that wait. */
  takeBack(): Promise<void>;
  /** The same, when sends that came before them were queued again. */
  takeBackBehind(): Promise<void>;
}

export interface OutboxOptions {
  queue: CommandQueue;
  report: ReportUnclaimable;
  scope: Pick<SessionScope, "isOwner" | "fail" | "now">;
}

/** The contents of the queue, as far as rings tell: sends just queued with the last one, others, and certainly more. */
interface Rung {
  ones: number;
  last: QueuedCommand | null;
  others: boolean;
  isMore: boolean;
}

/** A ring is seldom later than a few sends. */
const begunMax = 256;
/** How many sends are claimed at once. */
export const batchMax = 16;

export function createOutbox({ queue, report, scope }: OutboxOptions): Outbox {
  const rung: Rung = { ones: 0, last: null, others: true, isMore: false };
  /** Settles when the last claim has ended: one that begins before could take the same send. */
  let claiming: Promise<void> | null = null;
  const noteMore = () => {
    rung.isMore = true;
  };
  const direct = createDirectSends({ queue, onQueued: noteMore, scope });

  /** Sends that were claimed lately. */
  const begun = createBoundedCache<true>(begunMax);
  const begin = (sends: Send[]) => {
    for (const { _id } of sends) begun.set(String(_id), true);
    return sends;
  };

  const mayHoldSends = () => rung.ones > 0 || rung.others || rung.isMore;
  const isQueueDone = () => !mayHoldSends() && claiming === null;
  /** Looks for what is due, or takes the one send that was just queued without a look. */
  const claim = async (account: string): Promise<Send[]> => {
    const { ones, last, others, isMore } = rung;
    Object.assign(rung, { ones: 0, last: null, others: false, isMore: false });
    if (ones === 0 && !isMore && !(await queue.look()).hasQueued) return [];
    const isOne = ones === 1 && !others && !isMore;
    const document = isOne && last?.document;
    if (document && mayGoAhead(document, scope.now())) {
      begun.set(document._id, true);
      return [claimBeside(document, account, { queue, report, onError: scope.fail })];
    }
    const one = isOne ? await queue.claimOne(account, report) : null;
    // Another one that is due goes first: nobody rings again for the one that was rung for.
    if (one && one[0]?._id !== last?.commandId) rung.others = true;
    if (one) return begin(one);
    const claimed = await queue.claimBegun(account, batchMax, report);
    rung.isMore ||= claimed.isMore;
    return begin(claimed.sends);
  };

  return {
    ring(queued) {
      // The stream is late: the send is on its way, or was. Whoever queues it again shows no document.
      if (queued?.document && begun.has(queued.commandId)) return;
      if (queued) Object.assign(rung, { ones: rung.ones + 1, last: queued });
      else rung.others = true;
    },
    insert(command, socket, options) {
      const { messageId } = command;
      if (messageId === undefined || !isQueueDone() || !direct.hasRoom()) return null;
      return direct.insert({ ...command, messageId }, socket, options);
    },
    look: () => (isQueueDone() && direct.mayLook() ? direct.look() : null),
    async next(socket) {
      // `take` has taken them back if they were claimed for another socket.
      const sends = await direct.take(socket);
      if (sends.length > 0 || !direct.isEmpty() || !mayHoldSends()) return sends;
      await claiming;
      const claimed = claim(accountOf(socket));
      claiming = claimed
        .then((all) => Promise.all(all.map(({ direct: beside }) => beside?.stored)))
        .then(() => undefined, noteMore)
        .finally(() => {
          claiming = null;
        });
      return await claimed;
    },
    isEmpty: () => direct.isEmpty() && !mayHoldSends(),
    takeBack: direct.takeBack,
    takeBackBehind() {
      noteMore();
      return direct.takeBack();
    },
  };
}
