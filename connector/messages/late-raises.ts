import type { Collection } from "mongodb";
import type { MessageDocument } from "#shared/collections.ts";
import { type MessageStatus, messageStatusRank } from "#shared/events.ts";
import { oncePer } from "#shared/once-per.ts";
import { gatheredWriter } from "./message-writes.ts";

/**
 * Raises statuses in `messages` a moment late: those of one message are one update, and those of many share a command. The log
 * has them already.
 */
export interface LateRaises {
  /** Resolves when the row has this status or a higher one, or does not exist. Rejects with the database's error. */
  raise(row: Pick<MessageDocument, "_id" | "channelId">, status: MessageStatus): Promise<void>;
  /** Writes what waits at once. Resolves when it is written, or could not be. */
  flush(): Promise<void>;
}

/** `sent` and `delivered` of a message are seldom further apart. */
const lateMs = 500;
/** How many messages may wait. */
const waitingMax = 100;

interface Waiting {
  channelId: string;
  status: MessageStatus;
  written: PromiseWithResolvers<void>;
}

/** The raises of a collection, which all channels of the process share. */
export const lateRaises = oncePer(createLateRaises);

function createLateRaises(messages: Collection<MessageDocument>): LateRaises {
  const writer = gatheredWriter(messages);
  let waiting = new Map<string, Waiting>();
  let timer: NodeJS.Timeout | undefined;

  const write = async ([_id, { channelId, status, written }]: [string, Waiting]) => {
    const statusRank = messageStatusRank[status];
    const filter = { _id, channelId, statusRank: { $lt: statusRank } };
    await writer.submit({ filter, update: { $set: { status, statusRank } } }).then(
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
    raise({ _id, channelId }, status) {
      const before = waiting.get(_id);
      if (before) {
        if (messageStatusRank[status] > messageStatusRank[before.status]) before.status = status;
        return before.written.promise;
      }
      const written = Promise.withResolvers<void>();
      waiting.set(_id, { channelId, status, written });
      if (waiting.size >= waitingMax) void flush();
      else timer ??= setTimeout(() => void flush(), lateMs);
      return written.promise;
    },
    flush,
  };
}
