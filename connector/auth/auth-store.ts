import type { ClientSession, Db } from "mongodb";
import { durable } from "#shared/database.ts";
import { untilAborted } from "../concurrency/until-aborted.ts";
import { assertHeld, type Fence } from "../ownership/fence.ts";
import { raiseFence } from "../ownership/raise-fence.ts";
import { dataKeyId } from "./auth-documents.ts";
import { AuthStateError } from "./auth-error.ts";
import {
  type AuthCollections,
  authCollections,
  discardRows,
  eraseRows,
  type KeyWrite,
  putCreds,
  readRows,
  readRowsOfType,
  readWrappedKey,
  updateCreds,
  writeRows,
} from "./auth-rows.ts";
import { claimCreds } from "./claim-creds.ts";
import {
  createDataKey,
  masterKeyId,
  seal,
  unseal,
  unwrapDataKey,
  type WrappedKey,
  wrapDataKey,
} from "./envelope.ts";
import { clearSession, killFormerSession } from "./mongo-session.ts";
import { retryTransient } from "./retry-transient.ts";
import { hasPreKey, type KeyType } from "./row-order.ts";
import type { Batch } from "./write-chain.ts";

export interface AuthStoreOptions {
  db: Db;
  fence: Fence;
  masterKeys: readonly Buffer[];
  /**
   * Whether every living connector has this master key, so that it may wrap data keys: during a rotation, another one would
   * lock the channel out of connectors that have only the older keys. Absent: there is no other connector.
   */
  isSharedKey?: (masterKeyId: string) => boolean;
  signal: AbortSignal;
  /** No owner had the channel before: nothing of it is stored, and no one has to be kept from writing. */
  isNew?: boolean;
}

/** The longest that an unreachable database delays a stop. */
const leaveMs = 1_000;

/** The stored side of one channel's auth state, for one epoch. Every method retries transient failures. */
export class AuthStore implements AsyncDisposable {
  /** One for all writes: the server never runs two writes of a session at once, even after a lost connection. */
  readonly #session: ClientSession;
  readonly #collections: AuthCollections;
  readonly #fence: Fence;
  readonly #masterKeys: readonly Buffer[];
  readonly #signal: AbortSignal;
  readonly #isSharedKey: (masterKeyId: string) => boolean;
  readonly #isNew: boolean;
  /** Settles when the fence row names this owner's session, which the next owner can kill then. */
  #raised: Promise<unknown> = Promise.resolve();
  #dataKey = createDataKey();
  /** The data key as wrapped by the newest master key, while it is not stored so; `undefined` afterwards. */
  #unstoredKey: WrappedKey | undefined;
  /** Whether the data key is stored at all. */
  #isKeyStored = false;
  /** The credentials as last stored; `undefined` if there are none. */
  #storedCreds: string | undefined;

  constructor({ db, fence, masterKeys, isSharedKey = () => true, isNew = false, signal }: AuthStoreOptions) {
    this.#session = db.client.startSession({ causalConsistency: false });
    this.#collections = authCollections(db);
    this.#fence = fence;
    this.#masterKeys = masterKeys;
    this.#isSharedKey = isSharedKey;
    this.#isNew = isNew;
    this.#signal = signal;
  }

  /**
   * Takes the fence and the credentials for this epoch. Resolves to the credentials' text, `undefined` if there are
   * none.
   */
  async claim(): Promise<string | undefined> {
    const { creds, keys } = this.#collections;
    const { channelId } = this.#fence;
    if (this.#isNew) return this.#claimNew();
    await this.#retry(() => killFormerSession(keys, this.#fence));
    await this.#raise();
    const [wrapped, sealed] = await Promise.all([
      this.#retry(() => readWrappedKey(keys, channelId)),
      this.#retry(() => claimCreds(creds, this.#fence)),
    ]);
    // Without credentials the stored key is ignored: rows of a failed pairing are erased before the next, readable or
    // not.
    this.#takeDataKey(sealed && wrapped);
    if (!sealed) return undefined;
    if (!wrapped) throw new AuthStateError("unreadable", "The data key of the stored credentials is missing");
    this.#storedCreds = unseal(this.#dataKey, channelId, sealed).toString("utf8");
    return this.#storedCreds;
  }

  /** Resolves when the fence is raised. Rejects when it could not be: then nothing can be written. */
  get raised(): Promise<unknown> {
    return this.#raised;
  }

  /** Raises the fence beside the login: every write waits for it. */
  #claimNew(): undefined {
    this.#raised = this.#raise();
    this.#raised.catch(() => undefined);
    this.#takeDataKey(undefined);
  }

  #raise(): Promise<unknown> {
    const session = this.#session.id;
    const { keys } = this.#collections;
    return this.#retry(() => raiseFence(keys, this.#fence, session && { session }));
  }

  read(rowIds: readonly string[]): Promise<Map<string, string>> {
    const { keys } = this.#collections;
    return this.#retry(() => readRows(keys, this.#dataKey, this.#fence.channelId, rowIds));
  }

  /** Reads every row of one type, by id; null for a row that cannot be read. */
  readType(type: KeyType): Promise<Map<string, string | null>> {
    const { keys } = this.#collections;
    return this.#retry(() => readRowsOfType(keys, this.#dataKey, this.#fence.channelId, type));
  }

  /** Makes a batch durable. `creds` is the credentials' current text, `undefined` while they must not be stored. */
  async write(batch: Batch, creds: string | undefined): Promise<void> {
    const latest = batch.creds || hasPreKey(batch.rows) ? creds : undefined;
    const changed = latest === this.#storedCreds ? undefined : latest;
    const wrapped = this.#keyToStore();
    await this.#raised;
    await this.#retry(() => this.#attempt(batch, changed, wrapped));
    if (wrapped && (batch.rows.size > 0 || changed !== undefined)) this.#keyStored();
    if (changed !== undefined) this.#storedCreds = changed;
  }

  /** Deletes rows that nobody needs any more. Tries once, and soon gives up. */
  discard(rowIds: readonly string[]): Promise<void> {
    const { keys } = this.#collections;
    return untilAborted(this.#soon(), () => discardRows(keys, this.#fence.channelId, rowIds));
  }

  /** Erases every row except the fence, the data key included. */
  async erase(): Promise<void> {
    await this.#raised;
    await this.#retry(() => eraseRows(this.#collections, this.#fence, this.#session));
    this.#storedCreds = undefined;
    this.#takeDataKey(undefined);
  }

  async #attempt(batch: Batch, creds: string | undefined, wrapped: WrappedKey | undefined): Promise<void> {
    assertHeld(this.#fence);
    const { keys } = this.#collections;
    const rows = { fence: this.#fence, dataKey: this.#dataKey, wrapped, rows: batch.rows };
    if (creds === undefined) return batch.rows.size > 0 ? writeRows(keys, rows, this.#session) : undefined;
    const sealed = seal(this.#dataKey, this.#fence.channelId, Buffer.from(creds));
    const isCredsOnly = batch.rows.size === 0 && !wrapped && this.#storedCreds !== undefined;
    if (isCredsOnly) return updateCreds(this.#collections.creds, this.#fence, sealed, this.#session);
    return this.#writeInTransaction(rows, sealed);
  }

  /** Writes rows and credentials in one transaction: MongoDB 6.0 has no bulk across collections. */
  async #writeInTransaction(rows: KeyWrite, sealed: Buffer): Promise<void> {
    const { creds, keys } = this.#collections;
    const write = async () => {
      await writeRows(keys, rows, this.#session);
      await putCreds(creds, this.#fence, sealed, this.#session);
    };
    await this.#session.withTransaction(write, durable);
  }

  /** A key wrapped by an older master key is wrapped again and stored with a later write, without a separate pass. */
  #takeDataKey(stored: WrappedKey | undefined): void {
    const rowId = dataKeyId(this.#fence.channelId);
    this.#dataKey = stored ? unwrapDataKey(stored, this.#masterKeys, rowId) : createDataKey();
    this.#isKeyStored = stored !== undefined;
    // A new key has to be readable by the others from the start.
    const shared = this.#masterKeys.filter((key) => this.#isSharedKey(masterKeyId(key)));
    const keys = stored || shared.length === 0 ? this.#masterKeys : shared;
    const wrapped = wrapDataKey(this.#dataKey, keys, rowId);
    this.#unstoredKey = wrapped.masterKeyId === stored?.masterKeyId ? undefined : wrapped;
  }

  /** Asks again before each write: a connector without the newest key may have joined. */
  #keyToStore(): WrappedKey | undefined {
    const key = this.#unstoredKey;
    return key && (!this.#isKeyStored || this.#isSharedKey(key.masterKeyId)) ? key : undefined;
  }

  #keyStored(): void {
    this.#isKeyStored = true;
    this.#unstoredKey = undefined;
  }

  #soon(): AbortSignal {
    return AbortSignal.any([this.#signal, AbortSignal.timeout(leaveMs)]);
  }

  #retry<T>(operation: () => Promise<T>): Promise<T> {
    return retryTransient(this.#signal, operation);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#raised.catch(() => undefined);
    // The driver reuses an ended session, so no later owner may kill it: remove it from the fence row first.
    await retryTransient(this.#soon(), () => clearSession(this.#collections.keys, this.#fence)).catch(
      () => undefined,
    );
    await this.#session.endSession();
  }
}
