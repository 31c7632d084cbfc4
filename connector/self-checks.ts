import { setImmediate as turn } from "node:timers/promises";
import type { Db } from "mongodb";
import type { Config } from "#shared/config.ts";
import { assertReplicaSet } from "#shared/database.ts";
import type { Logger } from "#shared/log.ts";
import { type DataKeyDocument, dataKeyId } from "./auth/auth-documents.ts";
import { authCollections } from "./auth/auth-rows.ts";
import { masterKeyId } from "./auth/envelope.ts";
import { addTransactionCapability, initAuthCreds, type SignalKeyStore } from "./baileys/baileys.ts";
import { type hardenedSignalRepository as Harden, hardenedSignalRepository } from "./baileys/harden.ts";
import { baileysLogger } from "./baileys/logger.ts";

/**
 * Checks what must hold before channels run, beside what `baileys/baileys.ts` asserts while it loads (Node's version,
 * libsignal's queue). Throws `StandaloneMongoError` or `SelfCheckError`. Only logs a clock skew, and credentials that no
 * `ENCRYPTION_KEY` opens: the other channels can run.
 */
export async function checkBeforeStart(
  db: Db,
  config: Pick<Config, "encryptionKeys">,
  log: Logger,
): Promise<void> {
  await assertReplicaSet(db);
  await assertKeysHardened(log);
  const skewMs = await clockSkewMs(db);
  if (Math.abs(skewMs) > skewMsMax) {
    log.warn(
      { event: "self_check", skewMs: Math.round(skewMs) },
      "clock skew between this machine and the database: times shown to callers are off",
    );
  }
  const [unopened, among] = await countUnopened(db, config.encryptionKeys);
  if (unopened > 0) {
    log.error(
      { event: "self_check", unopened, among },
      "ENCRYPTION_KEY does not open the credentials of some channels: add the key they were stored under",
    );
  }
}

/** Thrown when a start would endanger every channel's keys. */
class SelfCheckError extends Error {
  override readonly name = "SelfCheckError";
}

/** Tolerated: this machine's clock is used for little but the times that callers see. */
const skewMsMax = 5_000;
const sampleMax = 500;

/**
 * Runs two transactions of one channel at once, as Baileys does, on a store that keeps nothing. Throws `SelfCheckError` when
 * they overlap.
 */
export async function assertKeysHardened(
  log: Logger,
  harden: typeof Harden = hardenedSignalRepository,
): Promise<void> {
  const store: SignalKeyStore = { get: async () => ({}), set: async () => undefined };
  const logger = baileysLogger(log);
  const keys = addTransactionCapability(store, logger, { maxCommitRetries: 1, delayBetweenTriesMs: 0 });
  harden(store)({ creds: initAuthCreds(), keys }, logger, async () => undefined);
  let running = 0;
  let most = 0;
  const work = async () => {
    most = Math.max(most, ++running);
    await turn();
    running--;
  };
  await Promise.all(["a receipt", "a send"].map((label) => keys.transaction(work, label)));
  if (most === 1) return;
  throw new SelfCheckError(
    "Baileys' key transactions of one channel overlap, so ratchet counters would be reused: " +
      "this connector does not support this version of Baileys.",
  );
}

/** How far the database's clock is ahead of this machine's, in ms, measured with one round trip. */
export async function clockSkewMs(db: Db, now: () => number = Date.now): Promise<number> {
  const askedAt = now();
  const { localTime } = await db.admin().command({ hello: 1 });
  return Number(localTime) - (askedAt + now()) / 2;
}

/** How many sampled channels have credentials that none of the keys opens, and the size of the sample. */
async function countUnopened(db: Db, encryptionKeys: readonly Buffer[]): Promise<[number, number]> {
  const { creds, keys } = authCollections(db);
  const linked = await creds.find({}, { projection: { _id: 1 }, limit: sampleMax }).toArray();
  const rows = await keys
    .find<DataKeyDocument>({ _id: { $in: linked.map(({ _id }) => dataKeyId(_id)) } })
    .project<{ masterKeyId: string }>({ masterKeyId: 1 })
    .toArray();
  const known = new Set(encryptionKeys.map(masterKeyId));
  return [rows.filter((row) => !known.has(row.masterKeyId)).length, rows.length];
}
