import { type Collection, MongoServerError } from "mongodb";
import { hashSecret } from "#shared/api-key.ts";
import type { ApiKeyDocument } from "#shared/collections.ts";
import { durable } from "#shared/database.ts";
import type { Logger } from "#shared/log.ts";

const duplicateKey = 11_000;

/**
 * Makes `key` the first administrator key when there is no key at all. With other keys there nothing changes, and one
 * warning says so. Safe to run from several processes at once.
 */
export async function ensureBootstrapKey(
  apiKeys: Collection<ApiKeyDocument>,
  key: string | null,
  log: Logger,
): Promise<void> {
  const isEmpty = (await apiKeys.findOne({}, { projection: { _id: 1 } })) === null;
  if (key === null) {
    if (isEmpty) log.warn("There is no API key, so nobody can call: start once with API_KEY set");
    return;
  }
  if (isEmpty && (await insertAdministrator(apiKeys, hashSecret(key)))) return;
  const known = await apiKeys.findOne({ hash: hashSecret(key), revokedAt: null });
  if (!known)
    log.warn("API_KEY is not one of the keys that exist; they stay as they are, and it opens nothing");
}

/** False when another process was faster. */
async function insertAdministrator(apiKeys: Collection<ApiKeyDocument>, hash: string): Promise<boolean> {
  try {
    await apiKeys.insertOne(
      {
        _id: "first",
        name: "First administrator",
        hash,
        scopes: ["admin"],
        channels: null,
        createdAt: new Date(),
        expiresAt: null,
        revokedAt: null,
      },
      durable,
    );
    return true;
  } catch (error) {
    if (error instanceof MongoServerError && error.code === duplicateKey) return false;
    throw error;
  }
}
