import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { ConfigError, type Environment, type Role, readConfig } from "#shared/config.ts";
import type { SettingName } from "#shared/settings.ts";

const key = () => randomBytes(32).toString("base64");
const rootKey = "0a".repeat(32);

function problemsOf(env: Environment, role: Role = "embedded"): string[] {
  try {
    readConfig(env, role as "embedded");
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split("\n").slice(1);
    throw error;
  }
  return [];
}

test("an empty environment has the documented defaults", () => {
  expect(readConfig({}, "embedded")).toEqual({
    mongoUri: null,
    dataDir: null,
    port: 3000,
    host: "127.0.0.1",
    keepAliveSeconds: 75,
    frontendOrigins: [],
    trustProxy: 0,
    apiKey: null,
    encryptionKeys: [],
    sendRate: 5,
    sendBurst: 20,
    sendTtlSeconds: 600,
    mediaBytesMax: 64 * 1024 * 1024,
    mediaAllowHosts: [],
    retention: { eventsDays: 7, messagesDays: 30 },
    whatsapp: { server: null, version: null },
    channelsMax: 250,
    connectorId: null,
    logLevel: "info",
  });
});

const [newest, older] = [key(), key()];

/** Every setting with a value other than its default. */
const everySetting: Record<SettingName, string> = {
  MONGO_URI: "mongodb+srv://user:word@example.com/waypost",
  DATA_DIR: "/var/lib/waypost",
  PORT: "0",
  HOST: "::1",
  KEEP_ALIVE_SECONDS: "130",
  FRONTEND_URL: "http://localhost:3000, https://app.example.com/",
  TRUST_PROXY: "2",
  API_KEY: "k_-".repeat(8),
  ENCRYPTION_KEY: `${newest}, ${older}`,
  SEND_RATE: "0.5",
  SEND_BURST: "1",
  SEND_TTL_SECONDS: "60",
  MEDIA_MAX_MB: "1",
  MEDIA_ALLOW_HOSTS: "media.internal,127.0.0.1:9000,[::1]:9000",
  RETENTION_DAYS_EVENTS: "1",
  RETENTION_DAYS_MESSAGES: "2",
  WHATSAPP_WEBSOCKET_URL: "ws://127.0.0.1:4000/ws/chat",
  WHATSAPP_ROOT_KEY: rootKey,
  WHATSAPP_VERSION: "2.3000.1043857760",
  MAX_CHANNELS: "7",
  CONNECTOR_ID: "connector-0.waypost",
  LOG_LEVEL: "debug",
};

test("every setting ends up in its field of the configuration", () => {
  expect(readConfig(everySetting, "connector")).toEqual({
    mongoUri: everySetting.MONGO_URI,
    dataDir: "/var/lib/waypost",
    port: 0,
    host: "::1",
    keepAliveSeconds: 130,
    frontendOrigins: ["http://localhost:3000", "https://app.example.com"],
    trustProxy: 2,
    apiKey: everySetting.API_KEY,
    encryptionKeys: [Buffer.from(newest, "base64"), Buffer.from(older, "base64")],
    sendRate: 0.5,
    sendBurst: 1,
    sendTtlSeconds: 60,
    mediaBytesMax: 1024 * 1024,
    mediaAllowHosts: ["media.internal", "127.0.0.1:9000", "[::1]:9000"],
    retention: { eventsDays: 1, messagesDays: 2 },
    whatsapp: {
      server: { websocketUrl: everySetting.WHATSAPP_WEBSOCKET_URL, rootKey: Buffer.from(rootKey, "hex") },
      version: [2, 3000, 1043857760],
    },
    channelsMax: 7,
    connectorId: "connector-0.waypost",
    logLevel: "debug",
  });
});

test.each(Object.keys(everySetting))("%s changes the configuration", (name) => {
  expect(read({ ...everySetting, [name]: "" })).not.toEqual(read(everySetting));
});

/** The configuration, or the error that refuses it. */
function read(env: Environment): unknown {
  try {
    return readConfig(env, "embedded");
  } catch (error) {
    return error;
  }
}

test("one message lists every problem, a line each, without any values", () => {
  const wrong = {
    MONGO_URI: "postgres://user:hidden@host/",
    PORT: "many",
    FRONTEND_URL: "not an origin",
    API_KEY: "hidden",
    SEND_RATE: "-1",
    WHATSAPP_WEBSOCKET_URL: "wss://web.whatsapp.com/ws/chat",
    LOG_LEVEL: "loud",
  };
  const problems = problemsOf(wrong, "connector");
  for (const name of [...Object.keys(wrong), "ENCRYPTION_KEY"])
    expect(problems.filter((line) => line.includes(`- ${name} `)).length).toBeGreaterThan(0);
  expect(problems.join()).toContain("WHATSAPP_WEBSOCKET_URL and WHATSAPP_ROOT_KEY must be set together");
  expect(problems).toHaveLength(9);
  expect(problems.join()).not.toContain("hidden");
});

test("an empty value counts as unset", () => {
  const names = ["MONGO_URI", "PORT", "FRONTEND_URL", "API_KEY", "ENCRYPTION_KEY", "LOG_LEVEL", "HOST"];
  const empty = Object.fromEntries(names.map((name) => [name, ""]));
  expect(readConfig(empty, "embedded")).toEqual(readConfig({}, "embedded"));
  expect(problemsOf({ MONGO_URI: "", ENCRYPTION_KEY: "" }, "connector")).toHaveLength(2);
});

test("other environment variables are ignored", () => {
  expect(problemsOf({ PATH: "/bin", MONGO_URL: "nonsense" })).toEqual([]);
});

test.each([
  ["embedded", []],
  ["functions", ["MONGO_URI"]],
  ["connector", ["MONGO_URI", "ENCRYPTION_KEY"]],
] as const)("the role %s requires %j, and its message names them", (role, names) => {
  expect(problemsOf({}, role)).toEqual(names.map((name) => `  - ${name} is required by npm run ${role}`));
});

test("WHATSAPP_WEBSOCKET_URL and WHATSAPP_ROOT_KEY are refused without each other", () => {
  const together = ["  - WHATSAPP_WEBSOCKET_URL and WHATSAPP_ROOT_KEY must be set together"];
  expect(problemsOf({ WHATSAPP_ROOT_KEY: rootKey })).toEqual(together);
  expect(problemsOf({ WHATSAPP_WEBSOCKET_URL: "ws://127.0.0.1/" })).toEqual(together);
});
