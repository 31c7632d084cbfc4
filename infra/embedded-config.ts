import { type Config, ConfigError } from "#shared/config.ts";
import { dataSecret } from "./data-secrets.ts";

export interface EmbeddedConfig {
  config: Config & { mongoUri: string };
  /** Lines for the operator: where the API key is. */
  lines: string[];
}

/** Completes a configuration with generated keys and a connector id, kept in the data folder. */
export async function embeddedConfig(
  config: Config,
  mongoUri: string,
  dataDir: string,
): Promise<EmbeddedConfig> {
  const lines: string[] = [];
  const encryptionKeys =
    config.encryptionKeys.length > 0 ? config.encryptionKeys : [await storedKey(dataDir)];
  const apiKey = config.apiKey ?? (await storedApiKey(dataDir, lines));
  const connectorId = config.connectorId ?? (await dataSecret(dataDir, "connector-id")).value;
  return { config: { ...config, mongoUri, encryptionKeys, apiKey, connectorId }, lines };
}

/** Requires an encryption key with `MONGO_URI`: losing the data folder must not lose that database's credentials. */
export function assertOwnDatabaseKeys(config: Config): void {
  if (config.encryptionKeys.length > 0) return;
  throw new ConfigError([
    "ENCRYPTION_KEY is required with MONGO_URI; generate one with: openssl rand -base64 32",
  ]);
}

async function storedKey(dataDir: string): Promise<Buffer> {
  const { value, path } = await dataSecret(dataDir, "encryption-key");
  const key = Buffer.from(value, "base64");
  if (key.length === 32) return key;
  throw new ConfigError([
    `${path} does not hold 32 bytes in base64. Restore it: without the original key, linked channels are lost`,
  ]);
}

async function storedApiKey(dataDir: string, lines: string[]): Promise<string> {
  const { value, path, isNew } = await dataSecret(dataDir, "api-key");
  lines.push(isNew ? `API key: ${value}  (kept in ${path})` : `API key: kept in ${path}`);
  return value;
}
