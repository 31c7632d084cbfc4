import { functionsMongoClient } from "#functions/store/mongo-client.ts";
import { hashSecret } from "#shared/api-key.ts";
import type { Config } from "#shared/config.ts";
import { type Collections, collections, durable } from "#shared/database.ts";
import type { EmbeddedConfig } from "./embedded-config.ts";

type KeyCollections = Pick<Collections, "apiKeys" | "consoleSessions">;

const firstKeyId = "first";

/**
 * For a database in the data folder: makes sure that the key kept beside it opens it, and says so when it had to be
 * replaced. A key that the operator gave (`given.apiKey`) is left to the operator.
 */
export async function withKeptKey(
  complete: EmbeddedConfig,
  given: Pick<Config, "apiKey">,
): Promise<EmbeddedConfig> {
  const { apiKey, mongoUri } = complete.config;
  if (given.apiKey || !apiKey) return complete;
  await using client = functionsMongoClient(mongoUri);
  if (!(await adoptFirstKey(collections(client.db()), apiKey))) return complete;
  const line =
    "The first API key was another one: this one has taken its place, and the other opens nothing any more.";
  return { ...complete, lines: [...complete.lines, line] };
}

/**
 * Lets `key` take the place of the first administrator key when the database does not know it; sessions made with the
 * other one end. False when nothing changed: it is known, or there is no first key yet.
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
