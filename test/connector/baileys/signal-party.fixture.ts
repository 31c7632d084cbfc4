import { setTimeout as sleep } from "node:timers/promises";
import { pino } from "pino";
import {
  addTransactionCapability,
  initAuthCreds,
  makeLibSignalRepository,
  type SignalDataSet,
  type SignalKeyStore,
  type SignalKeyStoreWithTransaction,
  type SocketConfig,
} from "#connector/baileys/baileys.ts";

const quiet = pino({ level: "silent" });

type MakeRepository = SocketConfig["makeSignalRepository"];

/** A device that uses Baileys' Signal protocol with a given store. */
export interface Party {
  jid: string;
  creds: ReturnType<typeof initAuthCreds>;
  keys: SignalKeyStoreWithTransaction;
  repository: ReturnType<MakeRepository>;
}

export function createParty(
  jid: string,
  store: SignalKeyStore,
  makeRepository: MakeRepository = makeLibSignalRepository,
  creds = initAuthCreds(),
): Party {
  const keys = addTransactionCapability(store, quiet, { maxCommitRetries: 1, delayBetweenTriesMs: 0 });
  return { jid, creds, keys, repository: makeRepository({ creds, keys }, quiet) };
}

/** Gives `from` a session with `to`, as a fetched pre-key bundle would. */
export async function introduce(from: Party, to: Party): Promise<void> {
  const { signedIdentityKey, signedPreKey, registrationId } = to.creds;
  const signal = (key: Uint8Array) => Buffer.concat([Buffer.of(5), key]);
  await from.repository.injectE2ESession({
    jid: to.jid,
    session: {
      registrationId,
      identityKey: signal(signedIdentityKey.public),
      signedPreKey: {
        keyId: signedPreKey.keyId,
        publicKey: signal(signedPreKey.keyPair.public),
        signature: signedPreKey.signature,
      },
    },
  });
}

export type Wait = () => Promise<unknown>;

/** A store in memory. Each read and write takes place after a wait. */
export function memoryStore(
  wait: Wait = async () => undefined,
): SignalKeyStore & { rows: Map<string, string> } {
  const rows = new Map<string, string>();
  return {
    rows,
    async get(type, ids) {
      await wait();
      const found = ids.flatMap((id) => {
        const text = rows.get(`${type}/${id}`);
        return text === undefined ? [] : [[id, revive(text)] as const];
      });
      return Object.fromEntries(found);
    },
    async set(data: SignalDataSet) {
      const texts = Object.entries(data).flatMap(([type, values]) =>
        Object.entries(values ?? {}).map(([id, value]) => [`${type}/${id}`, freeze(value)] as const),
      );
      await wait();
      for (const [row, text] of texts) text === "null" ? rows.delete(row) : rows.set(row, text);
    },
  };
}

/** Random waits of 1 to 4 ms, so that writes overtake each other. */
export function jitter(): Wait {
  return () => sleep(1 + Math.random() * 3);
}

function freeze(value: unknown): string {
  return JSON.stringify(value, (_key, part) => (part instanceof Uint8Array ? { bytes: [...part] } : part));
}

function revive(text: string) {
  return JSON.parse(text, (_key, part) => {
    // A Buffer's `toJSON` runs before the replacer, so it arrives in its own form.
    const bytes = part?.type === "Buffer" ? part.data : part?.bytes;
    return Array.isArray(bytes) ? Buffer.from(bytes) : part;
  });
}
