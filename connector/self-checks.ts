import { setImmediate as turn } from "node:timers/promises";
import type { Db } from "mongodb";
import type { Config } from "#shared/config.ts";
import { assertReplicaSet } from "#shared/database.ts";
import type { Logger } from "#shared/log.ts";
import { type DataKeyDocument, dataKeyId } from "./auth/auth-documents.ts";
import { authCollections } from "./auth/auth-rows.ts";
import { masterKeyId } from "./auth/envelope.ts";
import {
  addTransactionCapability,
  Curve,
  initAuthCreds,
  makeLibSignalRepository,
  proto,
  type SignalKeyStore,
  silentLogger,
} from "./baileys/baileys.ts";
import { type hardenedSignalRepository as Harden, hardenedSignalRepository } from "./baileys/harden.ts";
import { baileysLogger } from "./baileys/logger.ts";

/**
 * Checks what must hold before channels run, beside what `baileys/baileys.ts` asserts while it loads (Node's version,
 * libsignal's queue). Throws `UnsupportedMongoError` or `SelfCheckError`. Only logs a clock skew, and credentials that no
 * `ENCRYPTION_KEY` opens: the other channels can run.
 */
export async function checkBeforeStart(
  db: Db,
  config: Pick<Config, "encryptionKeys">,
  log: Logger,
): Promise<void> {
  await assertReplicaSet(db);
  await assertKeysHardened(log);
  await assertPeersVerified();
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

/** The checks of whether a peer is who it claims to be. */
export interface PeerVerification {
  verify: typeof Curve.verify;
  makeRepository: typeof makeLibSignalRepository;
  decodeChain(bytes: Uint8Array): unknown;
}

/**
 * Shows Baileys a forged signature, a contact's keys with a forged signature and a certificate that nobody signed. Throws
 * `SelfCheckError` when it accepts one of them, or refuses what is genuine.
 */
export async function assertPeersVerified(
  { verify, makeRepository, decodeChain }: PeerVerification = {
    verify: Curve.verify,
    makeRepository: makeLibSignalRepository,
    decodeChain: (bytes) => proto.CertChain.decode(bytes),
  },
): Promise<void> {
  const { signedIdentityKey, signedPreKey, registrationId } = initAuthCreds();
  const prefixed = (key: Uint8Array) => Buffer.concat([Buffer.of(5), key]);
  const identityKey = prefixed(signedIdentityKey.public);
  const publicKey = prefixed(signedPreKey.keyPair.public);
  const { signature, keyId } = signedPreKey;
  const forged = Buffer.from(signature).reverse();
  const acceptsSignature = (bytes: Uint8Array) => verify(signedIdentityKey.public, publicKey, bytes);
  const acceptsBundle = (bytes: Uint8Array) => {
    const store: SignalKeyStore = { get: async () => ({}), set: async () => undefined };
    const keys = addTransactionCapability(store, silentLogger, {
      maxCommitRetries: 1,
      delayBetweenTriesMs: 0,
    });
    const repository = makeRepository({ creds: initAuthCreds(), keys }, silentLogger, async () => undefined);
    const session = { registrationId, identityKey, signedPreKey: { keyId, publicKey, signature: bytes } };
    return succeeds(() => repository.injectE2ESession({ jid: "15550100001@s.whatsapp.net", session }));
  };
  const isRight =
    acceptsSignature(signature) &&
    !acceptsSignature(forged) &&
    (await acceptsBundle(signature)) &&
    !(await acceptsBundle(forged)) &&
    !(await succeeds(async () => decodeChain(new Uint8Array())));
  if (isRight) return;
  throw new SelfCheckError(
    "Baileys does not verify who it talks to, so an impostor could read along: " +
      "this connector does not support this version of Baileys.",
  );
}

async function succeeds(work: () => Promise<unknown>): Promise<boolean> {
  return await work().then(
    () => true,
    () => false,
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
