import type { Collection, Document } from "mongodb";
import type { MessageDocument, StatusStep } from "#shared/collections.ts";
import { messageStatusRank } from "#shared/events.ts";
import { oncePer } from "#shared/once-per.ts";
import { gatheredWriter } from "./message-writes.ts";

/**
 * Raises statuses in `messages` a moment late: those of one message are one update, and those of many share a command. The log
 * has them already.
 */
export interface LateRaises {
  /** Resolves when the row has this status or a higher one, or does not exist. Rejects with the database's error. */
  raise(row: Pick<MessageDocument, "_id" | "channelId">, step: StatusStep): Promise<void>;
  /** Writes what waits at once. Resolves when it is written, or could not be. */
  flush(): Promise<void>;
}

/** `sent` and `delivered` of a message are seldom further apart. */
const lateMs = 500;
/** How many messages may wait. */
const waitingMax = 100;

interface Waiting {
  channelId: string;
  /** Ascending. */
  steps: StatusStep[];
  written: PromiseWithResolvers<void>;
}

/** The raises of a collection, which all channels of the process share. */
export const lateRaises = oncePer(createLateRaises);

function createLateRaises(messages: Collection<MessageDocument>): LateRaises {
  const writer = gatheredWriter(messages);
  let waiting = new Map<string, Waiting>();
  let timer: NodeJS.Timeout | undefined;

  const write = async ([_id, { channelId, steps, written }]: [string, Waiting]) => {
    const statusRank = rankOf(steps.at(-1));
    const filter = { _id, channelId, statusRank: { $lt: statusRank } };
    await writer.submit({ filter, update: raised(steps) }).then(
      () => written.resolve(),
      (error: unknown) => written.reject(error),
    );
  };
  const flush = async () => {
    clearTimeout(timer);
    timer = undefined;
    const all = waiting;
    waiting = new Map();
    await Promise.all([...all].map(write));
  };

  return {
    raise({ _id, channelId }, step) {
      const before = waiting.get(_id);
      if (before) {
        if (rankOf(step) > rankOf(before.steps.at(-1))) before.steps.push(step);
        return before.written.promise;
      }
      const written = Promise.withResolvers<void>();
      waiting.set(_id, { channelId, steps: [step], written });
      if (waiting.size >= waitingMax) void flush();
      else timer ??= setTimeout(() => void flush(), lateMs);
      return written.promise;
    },
    flush,
  };
}

function rankOf(step: StatusStep | undefined): number {
  return step ? messageStatusRank[step.status] : -1;
}

/** Adds those of the steps that rise above what the row has; its newest status is the last. */
function raised(steps: readonly StatusStep[]): Document[] {
  const added = steps.map((step) => ({
    $cond: [{ $lt: ["$statusRank", rankOf(step)] }, [{ $literal: step }], []],
  }));
  const history = { $concatArrays: [{ $ifNull: ["$history", []] }, ...added] };
  const last = steps.at(-1);
  return [{ $set: { history, status: last?.status, statusRank: rankOf(last) } }];
}
