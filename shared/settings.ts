/** The settings: every environment variable that Waypost reads, with its validation and default. */

import { z } from "zod";

const logLevels = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;

/**
 * The settings by name. `.env.example` lists the same ones (a test compares them).
 * An empty value counts as unset.
 */
export const settings = {
  MONGO_URI: text(/^mongodb(\+srv)?:\/\/.+/, "must start with mongodb:// or mongodb+srv://"),
  DATA_DIR: z.string().optional(),
  PORT: integer(0, 65_535).default(3000),
  HOST: z.string().default("127.0.0.1"),
  KEEP_ALIVE_SECONDS: integer(1, 3_600).default(75),
  FRONTEND_URL: list(
    isOrigin,
    "must be a comma-separated list of origins such as https://app.example.com",
  ).default([]),
  TRUST_PROXY: integer(0, 10).default(0),
  API_KEY: text(/^[A-Za-z0-9_-]{24,200}$/, "must be 24 to 200 characters from A-Z, a-z, 0-9, _ and -"),
  ENCRYPTION_KEY: list(
    isKey,
    "must be 32 bytes in base64, or several such keys, comma-separated, newest first",
  ).default([]),
  SEND_RATE: decimal(0, 1_000).default(5),
  SEND_BURST: integer(1, 10_000).default(20),
  SEND_TTL_SECONDS: integer(1, 604_800).default(600),
  MEDIA_MAX_MB: integer(1, 2_048).default(64),
  MEDIA_ALLOW_HOSTS: list(isHost, "must be a comma-separated list of host or host:port").default([]),
  RETENTION_DAYS_EVENTS: integer(1, 3_650).default(7),
  RETENTION_DAYS_MESSAGES: integer(1, 3_650).default(30),
  WHATSAPP_WEBSOCKET_URL: z
    .string()
    .refine(
      isLoopbackSocket,
      "must be a ws:// or wss:// URL on a loopback address: any other server would receive the credentials",
    )
    .optional(),
  WHATSAPP_ROOT_KEY: text(/^[0-9a-fA-F]{64}$/, "must be 64 hex digits"),
  WHATSAPP_VERSION: text(/^2\.3000\.\d{6,12}$/, "must look like 2.3000.1043857760"),
  MAX_CHANNELS: integer(1, 10_000).default(250),
  CONNECTOR_ID: text(/^[A-Za-z0-9_.-]{1,100}$/, "must be 1 to 100 characters from A-Z, a-z, 0-9, _, . and -"),
  LOG_LEVEL: z.enum(logLevels, `must be one of ${logLevels.join(", ")}`).default("info"),
};

export type SettingName = keyof typeof settings;
export type Settings = { [N in SettingName]: z.output<(typeof settings)[N]> };

function text(pattern: RegExp, message: string) {
  return z.string().regex(pattern, message).optional();
}

function integer(min: number, max: number) {
  const message = `must be a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d{1,9}$/, message)
    .transform(Number)
    .refine((value) => value >= min && value <= max, message);
}

function decimal(min: number, max: number) {
  const message = `must be a number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d{1,9}(\.\d{1,6})?$/, message)
    .transform(Number)
    .refine((value) => value >= min && value <= max, message);
}

function list(isValid: (item: string) => boolean, message: string) {
  return z
    .string()
    .transform((value) => value.split(",").map((item) => item.trim()))
    .refine((items) => items.every(isValid), message);
}

/** No wildcards: the `Origin` header is compared literally. */
function isOrigin(item: string): boolean {
  const url = URL.parse(item);
  return /^https?:[^*]+$/.test(item) && url?.origin === item.replace(/\/$/, "");
}

function isKey(item: string): boolean {
  return /^[A-Za-z0-9+/_-]{42,43}=?$/.test(item) && Buffer.from(item, "base64").length === 32;
}

function isHost(item: string): boolean {
  return /^([a-z0-9.-]+|\[[0-9a-f:.]+\])(:\d{1,5})?$/.test(item);
}

/** Checks the spelling as well as parsing the URL, so that no two parsers can disagree about the host. */
function isLoopbackSocket(item: string): boolean {
  return /^wss?:\/\/(127(\.\d{1,3}){3}|localhost|\[::1\])(:\d+)?(\/|$)/.test(item) && URL.canParse(item);
}
