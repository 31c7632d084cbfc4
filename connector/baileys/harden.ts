import { AsyncLocalStorage } from "node:async_hooks";
import {
  type AuthenticationCreds,
  makeLibSignalRepository,
  type SignalDataSet,
  type SignalKeyStore,
  type SignalKeyStoreWithTransaction,
  type SocketConfig,
} from "./baileys.ts";
import { queueWrite } from "./early-keys.ts";
import { type InboundJournal, inboundJournal } from "./inbound-journal.ts";
import { makeExclusive, transactionAborted } from "./key-transactions.ts";
import { boundedLookups, lookUpAloneInsideLock } from "./lid-lookups.ts";

type MakeSignalRepository = SocketConfig["makeSignalRepository"];
type SignalRepository = ReturnType<MakeSignalRepository>;

/** Set inside an encryption. */
const encrypting = new AsyncLocalStorage<true>();

/** When a dead socket's transaction is aborted: it awaits an answer that cannot arrive, and blocks the next socket. */
const abortAfterMs = 2_000;

/**
 * Returns the `makeSignalRepository` option of a socket. `store` is the key store behind the `earlyKeys` that the socket gets
 * as `auth.keys`; the socket's frames wait for what is queued in it. `gone` aborts when the socket has ended. With this
 * repository,
 * - transactions of the channel exclude each other (otherwise 10–57 % of concurrent sends reused a ratchet counter,
 *   measured), even those of a former socket that are still open (otherwise a ratchet moves back and later messages
 *   cannot be decrypted),
 * - none of them waits for the network: one that asks WhatsApp ends there, and its work goes on without it,
 * - work that outlives its transaction writes to the store instead of losing the write,
 * - a ratchet is queued before the frame of the stanza it encrypted is made, and so is a new pre-key before it is offered,
 * - a redelivered message is read again, from the journal.
 */
export function hardenedSignalRepository(
  store: SignalKeyStore,
  journal: Pick<InboundJournal, "decryptingOnce"> = inboundJournal(store),
  gone: AbortSignal = new AbortController().signal,
): MakeSignalRepository {
  return (auth, logger, lookUpLids) => {
    if (!("transaction" in auth.keys)) throw new Error("Baileys passed a key store without transactions.");
    // Baileys passes the whole credentials, whatever the type says, and changes them in place.
    const ownId = () => (Reflect.get(auth.creds, "me") as { id: string } | undefined)?.id;
    makeExclusive(auth.keys, { store, aborted: abortAfter(gone), ownId });
    storeEarlyIn(auth.keys, store, auth.creds);
    const lookUp = lookUpLids && boundedLookups(lookUpLids);
    const repository = makeLibSignalRepository(auth, logger, lookUp);
    lookUpAloneInsideLock(repository.lidMapping);
    return journal.decryptingOnce(auth.keys, markEncryption(repository));
  };
}

function abortAfter(gone: AbortSignal): AbortSignal {
  const aborter = new AbortController();
  const abort = () => aborter.abort(transactionAborted());
  gone.addEventListener("abort", () => setTimeout(abort, abortAfterMs).unref(), { once: true });
  return aborter.signal;
}

/** Queues the ratchets of an encryption, and new pre-keys, at once instead of at the end of their transaction. */
function storeEarlyIn(keys: SignalKeyStoreWithTransaction, store: SignalKeyStore, creds: object): void {
  const { set, isInTransaction } = keys;
  keys.set = async (data) => {
    await set(data);
    if (!isInTransaction()) return;
    if (encrypting.getStore()) await queueWrite(store, ratchets(data));
    await storePreKeys(store, creds, data);
  };
}

/**
 * Only encryptions are stored early. The ratchet of a decryption is stored when its transaction commits, together with the
 * plaintext: alone, it would make a redelivered message unreadable.
 */
function markEncryption(repository: SignalRepository): SignalRepository {
  return {
    ...repository,
    encryptMessage: (options) => encrypting.run(true, () => repository.encryptMessage(options)),
    encryptGroupMessage: (options) => encrypting.run(true, () => repository.encryptGroupMessage(options)),
  };
}

function ratchets(data: SignalDataSet): SignalDataSet {
  return {
    ...(data.session ? { session: data.session } : {}),
    ...(data["sender-key"] ? { "sender-key": data["sender-key"] } : {}),
  };
}

/**
 * Queues new pre-keys with the counter that makes the next ones different: Baileys puts one into a request to send a message
 * again, which leaves before the transaction is over.
 */
async function storePreKeys(
  store: SignalKeyStore,
  creds: Partial<Pick<AuthenticationCreds, "nextPreKeyId">>,
  { "pre-key": preKeys }: SignalDataSet,
): Promise<void> {
  const made = Object.entries(preKeys ?? {}).filter(([, key]) => key !== null);
  if (made.length === 0) return;
  const last = Math.max(...made.map(([id]) => Number(id)));
  creds.nextPreKeyId = Math.max(creds.nextPreKeyId ?? 1, last + 1);
  await queueWrite(store, { "pre-key": Object.fromEntries(made) });
}
