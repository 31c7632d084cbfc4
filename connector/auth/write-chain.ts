import { createSharedStart } from "#shared/shared-start.ts";
import { AuthStateError } from "./auth-error.ts";

/** The contents of one write: rows by id (`null` deletes) and whether the credentials changed. */
export interface Batch {
  rows: Map<string, string | null>;
  creds: boolean;
}

export interface WriteChainOptions {
  /** Makes a batch durable; one call at a time. An error ends the chain for good. */
  apply(batch: Batch): Promise<void>;
  /** Called once, before any pending write rejects; not for `close`. */
  onLost(error: Error): void;
  /** The most characters that may be pending; beyond it the chain ends as `overloaded`. */
  charactersMax?: number;
}

interface Job {
  /** Absent for an exclusive task. */
  batch: Batch | undefined;
  run(): Promise<void>;
  done: PromiseWithResolvers<void>;
}

const defaultCharactersMax = 64 * 1024 * 1024;

/** The writes of one channel: one at a time, coalesced while they are pending. A failure ends them for good. */
export class WriteChain {
  readonly #options: WriteChainOptions;
  readonly #queue: Job[] = [];
  #running: Job | undefined;
  #draining: Promise<void> | undefined;
  #ended: Error | undefined;
  #characters = 0;
  readonly #start = createSharedStart();

  constructor(options: WriteChainOptions) {
    this.#options = options;
  }

  /** Resolves when these rows, and everything queued before them, are durable. */
  write(rows: ReadonlyMap<string, string | null>): Promise<void> {
    return this.#add(rows, false);
  }

  /** As `write`, for the credentials, which are read when the batch is applied. */
  writeCreds(): Promise<void> {
    return this.#add(new Map(), true);
  }

  /** The text of a row that is pending or being written, `null` for a deletion, `undefined` if there is none. */
  waiting(rowId: string): string | null | undefined {
    for (const { batch } of this.#queue.toReversed()) {
      const text = batch?.rows.get(rowId);
      if (text !== undefined) return text;
    }
    return this.#running?.batch?.rows.get(rowId);
  }

  /** Resolves when all writes queued so far are durable. */
  async flush(): Promise<void> {
    this.assertAlive();
    await (this.#queue.at(-1) ?? this.#running)?.done.promise;
  }

  /** Runs `task` after all writes queued so far, with no other write in parallel. Its error also ends the chain. */
  exclusive(task: () => Promise<void>): Promise<void> {
    return this.#ended ? Promise.reject(this.#ended) : this.#enqueue(undefined, task).done.promise;
  }

  /** Throws the error that ended the chain, if it has ended. */
  assertAlive(): void {
    if (this.#ended) throw this.#ended;
  }

  /** Ends the chain: every pending and later write rejects with `error`. The first error stays. */
  lose(error: Error): void {
    if (this.#ended) return;
    this.#ended = error;
    this.#options.onLost(error);
    for (const job of this.#queue.splice(0)) job.done.reject(error);
  }

  /** Drains, then rejects every further write. Never rejects itself. */
  async close(): Promise<void> {
    await this.flush().catch(() => undefined);
    this.#ended ??= new AuthStateError("closed", "The auth state is closed");
    await this.#draining;
  }

  #add(rows: ReadonlyMap<string, string | null>, creds: boolean): Promise<void> {
    if (this.#ended) return Promise.reject(this.#ended);
    const { batch, done } = this.#pendingBatch();
    for (const [rowId, text] of rows) {
      batch.rows.set(rowId, text);
      this.#characters += rowId.length + (text?.length ?? 0);
    }
    batch.creds ||= creds;
    this.#assertRoom();
    return done.promise;
  }

  #assertRoom(): void {
    if (this.#characters <= (this.#options.charactersMax ?? defaultCharactersMax)) return;
    this.lose(new AuthStateError("overloaded", "Too many writes are pending"));
  }

  /** The last batch that is still pending, or a new one. */
  #pendingBatch(): { batch: Batch; done: Job["done"] } {
    const last = this.#queue.at(-1);
    if (last?.batch) return { batch: last.batch, done: last.done };
    const batch: Batch = { rows: new Map(), creds: false };
    return { batch, done: this.#enqueue(batch, () => this.#options.apply(batch)).done };
  }

  #enqueue(batch: Batch | undefined, run: () => Promise<void>): Job {
    const job: Job = { batch, run, done: Promise.withResolvers() };
    // `onLost` reports a failure that no caller awaits.
    job.done.promise.catch(() => undefined);
    this.#queue.push(job);
    this.#draining ??= this.#drain();
    return job;
  }

  async #drain(): Promise<void> {
    await new Promise<void>((resolve) => this.#start.begin(resolve));
    for (let job = this.#queue.shift(); job; job = this.#queue.shift()) {
      this.#running = job;
      if (job.batch) this.#characters = 0;
      await this.#settle(job);
      this.#running = undefined;
    }
    this.#draining = undefined;
    this.#start.noteEnd();
  }

  async #settle(job: Job): Promise<void> {
    try {
      await job.run();
      job.done.resolve();
    } catch (error) {
      this.lose(error instanceof Error ? error : new Error("A write failed", { cause: error }));
      job.done.reject(this.#ended);
    }
  }
}
