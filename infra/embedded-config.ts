import { type Config, ConfigError } from "#shared/config.ts";
import { dataSecret } from "./data-secrets.ts";

export interface EmbeddedConfig {
  config: Config & { mongoUri: string };
  /** What a person has to know to use it, a line each. */
  lines: string[];
}

/** Completes a configuration with what an embedded start makes for itself: keys and a name, kept in the data folder. */
export async function embeddedConfig(
  config: Config,
  mongoUri: string,
  dataDir: string,
): Promise<EmbeddedConfig> {
  const lines: string[] = [];
  const encryptionKeys = config.encryptionKeys.length > 0 ? config.encryptionKeys : [await madeKey(dataDir)];
  const apiKey = config.apiKey ?? (await madeApiKey(dataDir, lines));
  const connectorId = config.connectorId ?? (await dataSecret(dataDir, "connector-id")).value;
  return { config: { ...config, mongoUri, encryptionKeys, apiKey, connectorId }, lines };
}

/** With a database of its operator's own, a lost data folder must not mean lost credentials: the key has to be given. */
export function assertOwnDatabaseKeys(config: Config): void {
  if (config.encryptionKeys.length > 0) return;
  throw new ConfigError([
    "ENCRYPTION_KEY is required with MONGO_URI; make one with: openssl rand -base64 32",
  ]);
}

async function madeKey(dataDir: string): Promise<Buffer> {
  const { value, path } = await dataSecret(dataDir, "encryption-key");
  const key = Buffer.from(value, "base64");
  if (key.length === 32) return key;
  throw new ConfigError([
    `${path} does not hold 32 bytes in base64; without the right key linked channels are lost`,
  ]);
}

async function madeApiKey(dataDir: string, lines: string[]): Promise<string> {
  const { value, path, isNew } = await dataSecret(dataDir, "api-key");
  lines.push(isNew ? `API key: ${value}  (kept in ${path})` : `API key: in ${path}`);
  return value;
}
