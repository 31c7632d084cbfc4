import { functionsMongoClient } from "#functions/store/mongo-client.ts";
import { hashSecret } from "#shared/api-key.ts";
import type { Config } from "#shared/config.ts";
import { type Collections, collections, durable } from "#shared/database.ts";
import type { EmbeddedConfig } from "./embedded-config.ts";

type KeyCollections = Pick<Collections, "apiKeys" | "consoleSessions">;

const firstKeyId = "first";

/**
 * Makes the API key kept in the data folder valid in the embedded database, and adds a line when it replaces another.
 * Leaves a key that the operator set (`given.apiKey`) to the operator.
 */
export async function withStoredApiKey(
  complete: EmbeddedConfig,
  given: Pick<Config, "apiKey">,
): Promise<EmbeddedConfig> {
  const { apiKey, mongoUri } = complete.config;
  if (given.apiKey || !apiKey) return complete;
  await using client = functionsMongoClient(mongoUri);
  if (!(await adoptFirstKey(collections(client.db()), apiKey))) return complete;
  const line = "This API key replaces the previous one, which is no longer valid.";
  return { ...complete, lines: [...complete.lines, line] };
}

/**
 * Replaces the first administrator key by `key` if the database does not know `key`, and ends the old key's console
 * sessions. Resolves to false when nothing changed: the key is known, or no first key exists yet.
 */
async function adoptFirstKey(db: KeyCollections, key: string): Promise<boolean> {
  const hash = hashSecret(key);
  if (await db.apiKeys.findOne({ hash }, { projection: { _id: 1 } })) return false;
  const change = { $set: { hash, expiresAt: null, revokedAt: null } };
  const { matchedCount } = await db.apiKeys.updateOne({ _id: firstKeyId }, change, durable);
  if (matchedCount === 0) return false;
  await db.consoleSessions.deleteMany({ keyId: firstKeyId }, durable);
  return true;
}
