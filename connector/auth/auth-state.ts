/** Keeps each channel's credentials and Signal keys in MongoDB: encrypted, fenced, ordered and coalesced. */

/*
 *   Baileys --keys--> KeyStore ------> WriteChain ------> AuthStore ------> MongoDB
 *                     cache, codec     one at a time,     seal, fence,
 *                                      coalesced          retry
 */

import type { Db } from "mongodb";
import type { AuthenticationCreds, AuthenticationState } from "../baileys/baileys.ts";
import type { JournaledPart } from "../baileys/journaled-part.ts";
import { AuthStateError } from "./auth-error.ts";
import { AuthStore } from "./auth-store.ts";
import { createDiscards, type Discards } from "./discards.ts";
import { KeyStore } from "./key-store.ts";
import { decodeCreds, decodeValue, encodeCreds } from "./row-codec.ts";
import { takeCreds } from "./spare-creds.ts";
import { type Batch, WriteChain } from "./write-chain.ts";

export interface AuthStateOptions {
  db: Db;
  channelId: string;
  /** The owner's epoch; `openAuthState` raises the fence of `whatsapp_auth_keys` to it. */
  epoch: number;
  /** 32 bytes each, newest first. */
  masterKeys: readonly Buffer[];
  /** Names the WhatsApp server (address and root key); credentials for another one are refused. */
  server: string;
  /**
   * Called once when rows can no longer be written or read: the fence was lost (`FencedError`), the signal aborted or
   * the database failed for 10 s. Terminate the socket at once: its ratchets would advance unsaved. An abandoned write
   * may still land, so open the state again only with a higher epoch.
   */
  onLost(error: Error): void;
  /** Aborts when the ownership ends: nothing more is written. */
  signal?: AbortSignal;
  /** Checked before every write, since a stalled process sees the signal late. */
  isHeld?: () => boolean;
  /** The database's time, ms since the epoch. */
  now?: () => number;
  /** As in `AuthStoreOptions`. */
  isSharedKey?: (masterKeyId: string) => boolean;
  /** As in `AuthStoreOptions`. */
  isNew?: boolean;
}

/** The credentials and keys of one channel, for one epoch. */
export interface AuthState extends AsyncDisposable {
  /** True once a phone has accepted the credentials. */
  linked(): boolean;
  /** For `makeWASocket`; the same object until `create` or `erase`. Throws `no_credentials` if there are none. */
  readonly state: AuthenticationState;
  /**
   * Creates fresh credentials, kept in memory until they are paired, after erasing rows left over from older ones.
   * Throws `already_linked` if the channel has paired ones. Call it before every connection while `linked()` is false.
   */
  create(): Promise<void>;
  /** Queues a write of the whole credentials if they are paired. Failures reach `onLost` and `flush`. */
  save(): void;
  /**
   * The journal of inbound messages, by row; null for a row that cannot be read. Rejects as reads of keys do, when the
   * database fails for 10 s or the ownership has ended.
   */
  journaled(): Promise<Map<string, JournaledPart | null>>;
  /** Resolves when all writes queued so far are durable. */
  flush(): Promise<void>;
  /** Drops the credentials and erases every row except the fence. The previous `state.keys` reject from then on. */
  erase(): Promise<void>;
  /** Drains for at most about 10 s, then refuses every write. Never rejects. */
  close(): Promise<void>;
}

/**
 * Takes a channel's auth state for `epoch`. Throws `FencedError` if a higher epoch has it, `AuthStateError`
 * `unknown_master_key`, `unreadable` or `wrong_server` if there are credentials that cannot be used, and
 * `ServiceError` `database_unavailable` or the driver's error if the database fails for 10 s.
 */
export async function openAuthState(options: AuthStateOptions): Promise<AuthState> {
  const { db, channelId, epoch, masterKeys, server, signal = new AbortController().signal } = options;
  const { isHeld, now } = options;
  const fence = { channelId, epoch, ...(isHeld && { isHeld }), ...(now && { now }) };
  const { isSharedKey, isNew = false } = options;
  const store = new AuthStore({ db, fence, masterKeys, signal, isNew, ...(isSharedKey && { isSharedKey }) });
  await using claiming = new AsyncDisposableStack();
  claiming.use(store);
  const creds = credsForServer(await store.claim(), server);
  claiming.move();
  return new MongoAuthState(options, store, signal, creds);
}

function credsForServer(text: string | undefined, server: string): AuthenticationCreds | undefined {
  if (text === undefined) return undefined;
  const stored = decodeCreds(text);
  if (stored.server === server) return stored.creds;
  throw new AuthStateError("wrong_server", "The stored credentials belong to another WhatsApp server");
}

class MongoAuthState implements AuthState {
  readonly #server: string;
  readonly #store: AuthStore;
  readonly #chain: WriteChain;
  readonly #discards: Discards;
  readonly #newKeys: () => KeyStore;
  /** The keys of the present credentials; `erase` ends them. */
  #keys: KeyStore;
  readonly #stopListening: () => void;
  #state: AuthenticationState | undefined;
  /** False once it is certain that only the fence row exists. */
  #mayHaveRows: boolean;
  /** False while it is certain that no key was ever written. */
  #mayHaveKeys: boolean;
  /** The number of the keys' journal writes at which the journal was empty. */
  #journalEmptyAt: number | undefined;

  constructor(
    { channelId, server, onLost, isNew = false }: AuthStateOptions,
    store: AuthStore,
    signal: AbortSignal,
    creds: AuthenticationCreds | undefined,
  ) {
    this.#server = server;
    this.#store = store;
    this.#mayHaveRows = !isNew;
    this.#mayHaveKeys = !isNew;
    if (isNew) this.#journalEmptyAt = 0;
    const apply = (batch: Batch) => {
      this.#mayHaveKeys = true;
      return store.write(batch, this.#credsText());
    };
    this.#chain = new WriteChain({ apply, onLost });
    const discards = createDiscards({
      stored: () => this.#chain.flush(),
      remove: (rows) => store.discard(rows),
    });
    const read = async (rows: readonly string[]) =>
      this.#mayHaveKeys ? await store.read(rows) : new Map<string, string>();
    this.#newKeys = () => new KeyStore({ channelId, chain: this.#chain, discards, read });
    this.#discards = discards;
    this.#keys = this.#newKeys();
    this.#state = creds && { creds, keys: this.#keys };
    const lose = () => this.#chain.lose(signal.reason);
    signal.addEventListener("abort", lose, { once: true });
    this.#stopListening = () => signal.removeEventListener("abort", lose);
    if (signal.aborted) lose();
    // Before a phone is linked whose credentials could not be stored.
    store.raised.catch((error: unknown) => this.#chain.lose(asError(error)));
  }

  linked(): boolean {
    const creds = this.#state?.creds;
    return Boolean(creds?.me?.id && creds.account);
  }

  get state(): AuthenticationState {
    if (this.#state) return this.#state;
    throw new AuthStateError("no_credentials", "Credentials were neither stored nor created");
  }

  async create(): Promise<void> {
    if (this.linked()) throw new AuthStateError("already_linked", "The channel has paired credentials");
    if (this.#mayHaveRows) await this.erase();
    this.#state = { creds: takeCreds(), keys: this.#keys };
    this.#mayHaveRows = true;
  }

  save(): void {
    if (this.linked()) this.#chain.writeCreds().catch(() => undefined);
  }

  async journaled(): Promise<Map<string, JournaledPart | null>> {
    const writes = this.#keys.journalWrites;
    await Promise.all([this.#chain.flush(), this.#discards.idle()]);
    if (this.#journalEmptyAt === writes) return new Map();
    const texts = await this.#store.readType("inbound");
    if (texts.size === 0) this.#journalEmptyAt = writes;
    return new Map(Array.from(texts, ([row, text]) => [row, text === null ? null : tryDecodePart(text)]));
  }

  flush(): Promise<void> {
    return this.#chain.flush();
  }

  async erase(): Promise<void> {
    this.#state = undefined;
    this.#keys.end();
    await this.#chain.exclusive(() => this.#store.erase());
    this.#keys = this.#newKeys();
    this.#mayHaveRows = false;
    this.#journalEmptyAt = 0;
  }

  async close(): Promise<void> {
    await this.#discards.idle();
    await this.#chain.close();
    this.#stopListening();
    await this.#store[Symbol.asyncDispose]();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Unpaired credentials are never stored: a login with them would be refused for good. */
  #credsText(): string | undefined {
    if (!this.#state || !this.linked()) return undefined;
    return encodeCreds({ server: this.#server, creds: this.#state.creds });
  }
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error("The fence was not raised", { cause: thrown });
}

function tryDecodePart(text: string): JournaledPart | null {
  try {
    return decodeValue("inbound", text);
  } catch {
    return null;
  }
}
