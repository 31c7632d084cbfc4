/** The configuration of a process, read once from the environment. */

import { type SettingName, type Settings, settings } from "./settings.ts";

export interface Config {
  mongoUri: string | null;
  /** Absolute, or relative to the working directory; null = the caller's default. */
  dataDir: string | null;
  port: number;
  host: string;
  /** How long a connection without a request stays open. */
  keepAliveSeconds: number;
  /** Other origins that browsers may call from. */
  frontendOrigins: string[];
  /** How many proxies stand in front; 0 = every forwarding header is ignored. */
  trustProxy: number;
  apiKey: string | null;
  /** 32 bytes each, newest first. */
  encryptionKeys: Buffer[];
  /** Messages per second, and burst size, of one channel; a rate of 0 is no limit. */
  sendRate: number;
  sendBurst: number;
  sendTtlSeconds: number;
  mediaBytesMax: number;
  /** `host` or `host:port`, lower case. */
  mediaAllowHosts: string[];
  retention: { eventsDays: number; messagesDays: number };
  whatsapp: WhatsAppConfig;
  channelsMax: number;
  connectorId: string | null;
  logLevel: Settings["LOG_LEVEL"];
}

/** The WhatsApp server to connect to. `server` null = the real one, as configured in Baileys. */
export interface WhatsAppConfig {
  server: { websocketUrl: string; rootKey: Buffer } | null;
  /** The web client version to announce; null = the one Baileys is pinned to. */
  version: [number, number, number] | null;
}

/** The kind of process, which decides what settings it requires. The embedded commands generate their own. */
export type Role = "embedded" | "functions" | "connector";

const required: Record<Role, readonly SettingName[]> = {
  embedded: [],
  functions: ["MONGO_URI"],
  connector: ["MONGO_URI", "ENCRYPTION_KEY"],
};

export class ConfigError extends Error {
  override readonly name = "ConfigError";
  constructor(problems: readonly string[]) {
    super(`The configuration is not valid:\n${problems.map((problem) => `  - ${problem}`).join("\n")}`);
  }
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Reads the settings from `env`. Throws a `ConfigError` that lists every problem. */
export function readConfig(env: Environment, role: "embedded"): Config;
export function readConfig(env: Environment, role: "functions" | "connector"): Config & { mongoUri: string };
export function readConfig(env: Environment, role: Role): Config {
  const problems: string[] = [];
  const values = readSettings(env, problems);
  for (const name of required[role]) {
    if (!env[name]) problems.push(`${name} is required by npm run ${role}`);
  }
  if (Boolean(env.WHATSAPP_WEBSOCKET_URL) !== Boolean(env.WHATSAPP_ROOT_KEY)) {
    problems.push("WHATSAPP_WEBSOCKET_URL and WHATSAPP_ROOT_KEY must be set together");
  }
  if (!values || problems.length > 0) throw new ConfigError(problems);
  return toConfig(values);
}

function readSettings(env: Environment, problems: string[]): Settings | null {
  const values: Record<string, unknown> = {};
  for (const [name, schema] of Object.entries(settings)) {
    const parsed = schema.safeParse(env[name] === "" ? undefined : env[name]);
    if (parsed.success) values[name] = parsed.data;
    else problems.push(`${name} ${parsed.error.issues[0]?.message ?? "is not valid"}`);
  }
  return problems.length > 0 ? null : (values as Settings);
}

function toConfig(values: Settings): Config {
  return {
    mongoUri: values.MONGO_URI ?? null,
    dataDir: values.DATA_DIR ?? null,
    port: values.PORT,
    host: values.HOST,
    keepAliveSeconds: values.KEEP_ALIVE_SECONDS,
    frontendOrigins: values.FRONTEND_URL.map((origin) => new URL(origin).origin),
    trustProxy: values.TRUST_PROXY,
    apiKey: values.API_KEY ?? null,
    encryptionKeys: values.ENCRYPTION_KEY.map((key) => Buffer.from(key, "base64")),
    sendRate: values.SEND_RATE,
    sendBurst: values.SEND_BURST,
    sendTtlSeconds: values.SEND_TTL_SECONDS,
    mediaBytesMax: values.MEDIA_MAX_MB * 1024 * 1024,
    mediaAllowHosts: values.MEDIA_ALLOW_HOSTS,
    retention: { eventsDays: values.RETENTION_DAYS_EVENTS, messagesDays: values.RETENTION_DAYS_MESSAGES },
    whatsapp: toWhatsAppConfig(values),
    channelsMax: values.MAX_CHANNELS,
    connectorId: values.CONNECTOR_ID ?? null,
    logLevel: values.LOG_LEVEL,
  };
}

function toWhatsAppConfig(values: Settings): WhatsAppConfig {
  const { WHATSAPP_WEBSOCKET_URL: websocketUrl, WHATSAPP_ROOT_KEY: rootKey } = values;
  const [major, minor, build] = values.WHATSAPP_VERSION?.split(".").map(Number) ?? [];
  return {
    server: websocketUrl && rootKey ? { websocketUrl, rootKey: Buffer.from(rootKey, "hex") } : null,
    version: major === undefined || minor === undefined || build === undefined ? null : [major, minor, build],
  };
}
