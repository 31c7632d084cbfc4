/** Tells the parts of a process what changed: what the process wrote itself at once, all else by one change stream. */

import { BSON, type Db } from "mongodb";
import {
  type Change,
  type CommandEnd,
  changePipeline,
  meaningsOf,
  type ShownChange,
  type ShownPairing,
  type Topic,
} from "./changes.ts";
import type { CommandDocument, EventDocument } from "./collections.ts";
import { errorTrace } from "./error-trace.ts";
import { followChanges } from "./follow-changes.ts";
import type { Logger } from "./log.ts";

/** A part of the process that wants to know. */
interface ChangeListener<T extends Topic = Topic> {
  topics: readonly T[];
  /** Returns false when it had no use for the change. */
  changed(change: Extract<Change, { topic: T }>): unknown;
  /** The stream is open, now or again. Query what was written before: later changes are reported. */
  opened?(): void;
  /** The stream could not be opened, or ended; it will be opened again. */
  lost?(): void;
}

/** Reports what this process has written, once the write is durable. New commands and events are not reported a second time. */
export interface ChangeReports {
  commandQueued(channelId: string, lane: CommandDocument["lane"], commandId: string): void;
  /** Call it before the insertion of a command that needs no claim: the stream's report of it is passed over. */
  commandClaimed(commandId: string): void;
  commandEnded(commandId: string, end: CommandEnd): void;
  /** In the order of `seq` for each channel. */
  eventsAppended(events: readonly EventDocument[]): void;
  /** A channel shows another QR or pairing code. The stream reports it once more, without its content. */
  pairingShown(shown: ShownPairing): void;
}

export interface ChangeHub extends ChangeReports, AsyncDisposable {
  /** Listens until the signal aborts. */
  listen<T extends Topic>(listener: ChangeListener<T>, signal: AbortSignal): void;
}

export interface ChangeHubOptions {
  db: Db;
  log: Logger;
  /** The topics that the stream shows from the start. It is opened again for a listener who wants more. */
  topics?: readonly Topic[];
  /** Whether the stream shows whole events. */
  withRows?: boolean;
  /** How long to wait before asking for more changes after some that nobody had a use for: this process wrote them. */
  restMs?: number;
}

/** How many writes and channels are remembered until the stream shows them. Beyond, a listener may look a second time. */
const knownMax = 10_000;
/** How long the server holds an idle question for changes. */
const awaitMs = 10_000;

/** Opens the stream with the first listener. */
export function createChangeHub({
  db,
  log,
  topics = [],
  withRows = false,
  restMs = 0,
}: ChangeHubOptions): ChangeHub {
  const { listeners, tell, report } = createListeners(log);
  const wanted = new Set<Topic>(topics);
  const known = createKnown();
  const stopping = new AbortController();
  let stream: { topics: number; stop: AbortController; done: Promise<void> } | null = null;
  let state: "opening" | "open" | "lost" = "opening";

  const enter = (next: "open" | "lost", signal: AbortSignal) => {
    if (signal.aborted) return;
    state = next;
    tell((listener) => (next === "open" ? listener.opened?.() : listener.lost?.()));
  };
  const follow = () => {
    const stop = new AbortController();
    const signal = AbortSignal.any([stop.signal, stopping.signal]);
    const pipeline = changePipeline(wanted, withRows);
    state = "opening";
    const done = followChanges<ShownChange>({
      name: "changes",
      watch: () =>
        db.watch(pipeline, { enableUtf8Validation: false, bsonRegExp: true, maxAwaitTimeMS: awaitMs }),
      opened: () => enter("open", signal),
      lost: () => enter("lost", signal),
      changed(shown) {
        const news = meaningsOf(shown).filter((change) => !known.hasReported(change));
        return news.map(report).includes(true);
      },
      restMs,
      log,
      signal,
    });
    stream = { topics: wanted.size, stop, done };
  };
  /** After the current turn, so that parts that start together share the first stream. */
  const followSoon = () =>
    setImmediate(() => {
      if (stopping.signal.aborted || stream?.topics === wanted.size) return;
      stream?.stop.abort();
      follow();
    });

  return {
    listen(listener, signal) {
      if (signal.aborted) return;
      const any = listener as unknown as ChangeListener;
      listeners.add(any);
      signal.addEventListener("abort", () => listeners.delete(any), { once: true });
      for (const topic of listener.topics) wanted.add(topic);
      if (stream?.topics !== wanted.size) followSoon();
      else if (state === "open") listener.opened?.();
      else if (state === "lost") listener.lost?.();
    },
    ...createReports(known, report),
    async [Symbol.asyncDispose]() {
      stopping.abort();
      listeners.clear();
      await stream?.done;
    },
  };
}

function createReports(known: Known, report: (change: Change) => boolean): ChangeReports {
  return {
    commandQueued(channelId, lane, commandId) {
      const change: Change = { topic: "command_queued", commandId, channelId, lane };
      if (!known.hasReported(change)) report(change);
    },
    commandClaimed(commandId) {
      known.claimed(commandId);
    },
    commandEnded(commandId, end) {
      report({ topic: "command_ended", commandId, end });
    },
    eventsAppended(events) {
      for (const event of events) {
        const { channelId, seq } = event;
        const change: Change = { topic: "event_appended", channelId, seq, row: () => asStored(event) };
        if (!known.hasReported(change)) report(change);
      }
    },
    pairingShown(shown) {
      report({ topic: "pairing_changed", channelId: shown.channelId, shown });
    },
  };
}

function createListeners(log: Logger) {
  const listeners = new Set<ChangeListener>();
  /** Returns whether any listener had a use for it. */
  const tell = (call: (listener: ChangeListener) => unknown): boolean => {
    let isUsed = false;
    for (const listener of [...listeners]) {
      try {
        if (call(listener) !== false) isUsed = true;
      } catch (error) {
        log.error({ event: "change_listener_failed", ...errorTrace(error) }, "a listener of changes failed");
      }
    }
    return isUsed;
  };
  const report = (change: Change): boolean =>
    tell((listener) => listener.topics.includes(change.topic) && listener.changed(change));
  return { listeners, tell, report };
}

type Known = ReturnType<typeof createKnown>;

/** Remembers what was reported, because the stream shows what this process has reported itself, before or after it does. */
function createKnown() {
  const commands = new Set<string>();
  const newest = new Map<string, number>();
  const limit = (kept: Set<string> | Map<string, number>) => {
    for (const oldest of kept.keys()) {
      if (kept.size <= knownMax) return;
      kept.delete(oldest);
    }
  };
  return {
    claimed(commandId: string) {
      commands.add(commandId);
      limit(commands);
    },
    /** Whether the change was reported before; from now on it was. */
    hasReported(change: Change): boolean {
      if (change.topic === "event_appended") {
        const { channelId, seq } = change;
        if (seq <= (newest.get(channelId) ?? 0)) return true;
        newest.delete(channelId);
        newest.set(channelId, seq);
        limit(newest);
        return false;
      }
      // One without a usable id cannot be told from the next.
      if (change.topic !== "command_queued" || change.commandId === "") return false;
      // It is inserted once, which this process and the stream both report, in either order.
      if (commands.delete(change.commandId)) return true;
      commands.add(change.commandId);
      limit(commands);
      return false;
    },
  };
}

/** An event as a reader of the log has it, so that listeners see no difference: text without halves of characters, no `undefined`. */
function asStored(event: EventDocument): EventDocument {
  return BSON.deserialize(BSON.serialize(event)) as EventDocument;
}
