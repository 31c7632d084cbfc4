import type { Collection } from "mongodb";
import { hashSecret } from "#shared/api-key.ts";
import type { ApiKeyDocument } from "#shared/collections.ts";
import { durable } from "#shared/database.ts";
import { isDuplicate } from "#shared/database-errors.ts";
import type { Logger } from "#shared/log.ts";

/**
 * Creates `key` as the first administrator key if no key exists. If others exist, changes nothing and logs one warning
 * unless `key` is among them. Several processes may run it at once.
 */
export async function ensureBootstrapKey(
  apiKeys: Collection<ApiKeyDocument>,
  key: string | null,
  log: Logger,
): Promise<void> {
  const hasNoKeys = (await apiKeys.findOne({}, { projection: { _id: 1 } })) === null;
  if (key === null) {
    if (hasNoKeys)
      log.warn(
        { event: "no_api_key" },
        "no API key exists, so every call is refused: start once with API_KEY set",
      );
    return;
  }
  if (hasNoKeys && (await insertAdministrator(apiKeys, hashSecret(key)))) return;
  const known = await apiKeys.findOne({ hash: hashSecret(key), revokedAt: null });
  if (!known)
    log.warn(
      { event: "unknown_api_key" },
      "API_KEY is not among the existing keys: it is ignored and grants nothing",
    );
}

/** Returns false when another process won the race. */
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
    if (isDuplicate(error)) return false;
    throw error;
  }
}
