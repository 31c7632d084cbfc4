import type { SignalDataSet, SignalKeyStore } from "../baileys/baileys.ts";
import { AuthStateError } from "./auth-error.ts";
import type { Discards } from "./discards.ts";
import { createKeyCache } from "./key-cache.ts";
import { decodeValue, encodeValue } from "./row-codec.ts";
import { isRepeated, type KeyType, mayDiscard, rowId, type StoredTypes } from "./row-order.ts";
import type { WriteChain } from "./write-chain.ts";

export interface KeyStoreOptions {
  channelId: string;
  chain: WriteChain;
  discards: Discards;
  /** Reads the stored texts of the rows that exist. */
  read(rowIds: readonly string[]): Promise<Map<string, string>>;
}

type Texts = Map<string, string | null>;

/** MongoDB refuses documents above 16 MB, and such a write would end all later ones. */
const rowBytesMax = 12 * 1024 * 1024;
const bytesPerCharacterMax = 3;

/**
 * Baileys' key store on top of the write chain. Every later `get` sees a `set` at once; `set` resolves when it is
 * durable. `get` throws if it cannot be sure of a value. Unchanged rows are not written.
 */
export class KeyStore implements SignalKeyStore {
  readonly #options: KeyStoreOptions;
  readonly #cache = createKeyCache();
  /** Reads in progress, by row. A write removes its row, so that an old value never enters the cache. */
  readonly #reading = new Map<string, symbol>();
  #hasEnded = false;
  /** How often plaintexts of messages have been written. */
  #journalWrites = 0;

  constructor(options: KeyStoreOptions) {
    this.#options = options;
  }

  async get<T extends KeyType>(type: T, ids: string[]): Promise<{ [id: string]: StoredTypes[T] }> {
    const { channelId } = this.#options;
    this.#assertAlive();
    const rowIds = new Map(ids.map((id) => [id, rowId(channelId, type, id)]));
    const fetched = await this.#fetch([...rowIds.values()].filter((row) => this.#known(row) === undefined));
    const values: { [id: string]: StoredTypes[T] } = {};
    for (const [id, row] of rowIds) {
      const known = this.#known(row);
      const text = known === undefined ? fetched.get(row) : known;
      if (typeof text === "string") values[id] = decodeValue(type, text);
    }
    return values;
  }

  async set(data: SignalDataSet): Promise<void> {
    const { chain, discards } = this.#options;
    this.#assertAlive();
    const changed: Texts = new Map();
    const discarded: string[] = [];
    let isPending = false;
    for (const [row, text] of this.#texts(data)) {
      if (text === null && mayDiscard(row)) discarded.push(row);
      else if (this.#known(row) !== text) changed.set(row, text);
      else if (chain.waiting(row) !== undefined) isPending = true;
    }
    for (const [row, text] of changed) this.#remember(row, text);
    if (Array.from(changed.keys()).some(mayDiscard)) this.#journalWrites++;
    const written = changed.size > 0 ? chain.write(changed) : isPending ? chain.flush() : undefined;
    await Promise.all([written, discarded.length > 0 ? discards.add(discarded) : undefined]);
  }

  /** Rises whenever the journal of inbound messages may have grown. */
  get journalWrites(): number {
    return this.#journalWrites;
  }

  /** Rejects every further call: a socket that has ended must not write for the next credentials. */
  end(): void {
    this.#hasEnded = true;
    this.#cache.clear();
    this.#reading.clear();
  }

  #assertAlive(): void {
    this.#options.chain.assertAlive();
    if (this.#hasEnded) throw new AuthStateError("closed", "These keys were erased");
  }

  /** `null` is known to be absent, `undefined` is unknown. A pending write may be newer than the cache. */
  #known(row: string): string | null | undefined {
    if (this.#options.discards.has(row)) return null;
    const waiting = this.#options.chain.waiting(row);
    return waiting === undefined ? this.#cache.get(row) : waiting;
  }

  #remember(row: string, text: string | null): void {
    this.#reading.delete(row);
    if (isRepeated(row)) this.#cache.set(row, text);
  }

  /** Reads unknown rows, and reads those again that were written and evicted in the meantime. */
  async #fetch(rows: readonly string[]): Promise<Texts> {
    if (rows.length === 0) return new Map();
    const marks = rows.map((row) => this.#markReading(row));
    const stored = await this.#read(rows);
    const texts: Texts = new Map(rows.map((row) => [row, stored.get(row) ?? null]));
    const current = new Set(rows.filter((row, index) => this.#reading.get(row) === marks[index]));
    for (const row of current) this.#remember(row, texts.get(row) ?? null);
    const stale = rows.filter((row) => !current.has(row) && this.#known(row) === undefined);
    return new Map([...texts, ...(await this.#fetch(stale))]);
  }

  #markReading(row: string): symbol {
    const mark = this.#reading.get(row) ?? Symbol();
    this.#reading.set(row, mark);
    return mark;
  }

  /** A failed read ends the chain: Baileys treats a session it cannot read as one that does not exist. */
  async #read(rows: readonly string[]): Promise<Map<string, string>> {
    try {
      return await this.#options.read(rows);
    } catch (error) {
      const { chain } = this.#options;
      chain.lose(error instanceof Error ? error : new Error("A read failed", { cause: error }));
      throw error;
    }
  }

  *#texts(data: SignalDataSet): Generator<readonly [row: string, text: string | null]> {
    for (const [type, values] of Object.entries(data)) {
      for (const [id, value] of Object.entries(values ?? {})) {
        const row = rowId(this.#options.channelId, type as KeyType, id);
        const text = value == null ? null : encodeValue(type as KeyType, value as StoredTypes[KeyType]);
        if (text !== null) assertStorable(text);
        yield [row, text];
      }
    }
  }
}

function assertStorable(text: string): void {
  if (text.length * bytesPerCharacterMax <= rowBytesMax || Buffer.byteLength(text) <= rowBytesMax) return;
  throw new AuthStateError("too_large", "A row is too large to be stored");
}
