import { isIPv4 } from "node:net";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type SettingName, settings } from "#shared/settings.ts";

const key = "A".repeat(43).concat("=");

const accepts = (name: SettingName, value: string) => settings[name].safeParse(value).success;

/** Values that each setting accepts and refuses. Other values are not covered by a test. */
const spellings: Partial<Record<SettingName, { good: string[]; bad: string[] }>> = {
  MONGO_URI: {
    good: ["mongodb://localhost:27017/your-database", "mongodb+srv://u:p@cluster.example.com/x"],
    bad: ["localhost:27017", "http://localhost", "mongodb://", " mongodb://localhost"],
  },
  PORT: { good: ["0", "1", "65535"], bad: ["65536", "-1", "1.5", "1e3", "0x50", "3000 ", "NaN", "many"] },
  FRONTEND_URL: {
    good: ["http://localhost:3000", "https://app.example.com/", "https://a.example, http://b.example:81"],
    bad: [
      "*",
      "null",
      "app.example.com",
      "https://app.example.com/path",
      "https://app.example.com/?x",
      "https://user@app.example.com",
      "https://*.example.com",
      "ftp://app.example.com",
      "file:///tmp",
      "javascript:alert(1)",
      "https://a.example,",
      "https://a.example https://b.example",
    ],
  },
  TRUST_PROXY: { good: ["0", "1", "10"], bad: ["-1", "11", "true", "loopback", "10.0.0.0/8"] },
  API_KEY: {
    good: ["k".repeat(24), "A-Z_a-z_0-9_0123456789-_"],
    bad: ["k".repeat(23), "k".repeat(201), `${"k".repeat(24)}!`, `${"k".repeat(24)}\n`, " ".repeat(24)],
  },
  ENCRYPTION_KEY: {
    good: [key, key.replace("=", ""), `${key},${key}`, `${key} , ${key}`],
    bad: ["short", key.slice(2), `${key}${key}`, `${key},`, `${key};${key}`, "A".repeat(44), "0a".repeat(32)],
  },
  KEEP_ALIVE_SECONDS: { good: ["1", "3600"], bad: ["0", "3601", "75s"] },
  SEND_RATE: { good: ["0", "5", "0.25", "1000"], bad: ["-1", "1001", ".5", "1,5", "Infinity", "five"] },
  SEND_BURST: { good: ["1", "10000"], bad: ["0", "10001", "1.5"] },
  SEND_TTL_SECONDS: { good: ["1", "604800"], bad: ["0", "604801", "10m"] },
  MEDIA_MAX_MB: { good: ["1", "2048"], bad: ["0", "2049", "64MB"] },
  MEDIA_ALLOW_HOSTS: {
    good: ["media.internal", "127.0.0.1:9000", "a.example,b.example:81", "[::1]", "[fd00::1]:9000"],
    bad: [
      "http://media.internal",
      "media.internal/path",
      "*",
      "a b",
      "user@host",
      "host:",
      "host:port",
      "::1",
    ],
  },
  RETENTION_DAYS_EVENTS: { good: ["1", "3650"], bad: ["0", "3651", "-7"] },
  RETENTION_DAYS_MESSAGES: { good: ["1", "3650"], bad: ["0", "3651", "week"] },
  WHATSAPP_WEBSOCKET_URL: {
    good: [
      "ws://127.0.0.1:4000/ws/chat",
      "wss://127.0.0.1",
      "ws://localhost:1/",
      "ws://[::1]:4000/x",
      "ws://127.1.2.3/",
      "ws://127.0.0.1/@evil.com",
    ],
    bad: [
      "wss://web.whatsapp.com/ws/chat",
      "ws://127.0.0.1.evil.com",
      "ws://127.0.0.1@evil.com",
      "ws://127.0.0.1:80@evil.com/",
      "ws://localhost:1@evil.com",
      "ws://localhost.evil.com/",
      "ws://localhost@evil.com",
      "ws://evil.com/127.0.0.1",
      "ws://evil.com#@127.0.0.1/",
      "ws://evil.com?ws://127.0.0.1/",
      "ws://127.0.0.1\\@evil.com",
      "ws://127.0.0.1\n.evil.com",
      "ws://127.0.0.1\t@evil.com",
      "ws://127.0.0.1%2eevil.com",
      "ws://127.0.0.1。evil.com",
      "ws://[::1].evil.com",
      "ws://[::1]@evil.com",
      "ws://user@127.0.0.1/",
      "ws://0.0.0.0/",
      "ws://127.0.0.256/",
      "ws://127.0.0.1:99999/",
      "ws://128.0.0.1/",
      "ws://[::ffff:8.8.8.8]/",
      "http://127.0.0.1/",
      " ws://127.0.0.1/",
      "//127.0.0.1/",
      "127.0.0.1:4000",
    ],
  },
  WHATSAPP_ROOT_KEY: {
    good: ["0a".repeat(32), "0A".repeat(32)],
    bad: ["0a".repeat(31), "0a".repeat(33), "0g".repeat(32), key],
  },
  WHATSAPP_VERSION: {
    good: ["2.3000.1043857760"],
    bad: ["2.3000", "2.2999.1043857760", "2.3000.x", "3.3000.1043857760", "2.3000.1.1"],
  },
  MAX_CHANNELS: { good: ["1", "10000"], bad: ["0", "10001", "all"] },
  CONNECTOR_ID: { good: ["a", "waypost-0.example_1"], bad: ["a b", "a/b", "é", "x".repeat(101)] },
  LOG_LEVEL: { good: ["info", "silent"], bad: ["INFO", "verbose", "30"] },
};

const rows = Object.entries(spellings) as [SettingName, { good: string[]; bad: string[] }][];
const cases = (which: "good" | "bad") =>
  rows.flatMap(([name, row]) => row[which].map((value) => ({ name, value })));

test.each(cases("good"))("$name accepts $value", ({ name, value }) => {
  expect(settings[name].safeParse(value)).toMatchObject({ success: true });
});

test.each(cases("bad"))("$name refuses $value with one message", ({ name, value }) => {
  const { error } = settings[name].safeParse(value);
  expect(error?.issues).toHaveLength(1);
  expect(error?.issues[0]?.message).toMatch(/^must /);
});

test("every setting that does not accept any text has test values", () => {
  const anyText: SettingName[] = ["DATA_DIR", "HOST"];
  expect([...Object.keys(spellings), ...anyText].sort()).toEqual(Object.keys(settings).sort());
});

test("every accepted WHATSAPP_WEBSOCKET_URL is on loopback for the URL parser that connects", () => {
  const pieces = [
    "ws://",
    "wss://",
    "127.0.0.1",
    "localhost",
    "[::1]",
    "evil.com",
    "@",
    ":",
    "1",
    "/",
    "\\",
    "#",
    "?",
    ".",
    "%2f",
    "\t",
    "127.9",
  ];
  const texts = fc
    .array(fc.constantFrom(...pieces), { maxLength: 7 })
    .map((parts) => `ws://${parts.join("")}`);
  fc.assert(
    fc.property(texts, (text) => {
      if (!accepts("WHATSAPP_WEBSOCKET_URL", text)) return;
      const { hostname } = new URL(text);
      expect(
        hostname === "localhost" || hostname === "[::1]" || (isIPv4(hostname) && hostname.startsWith("127.")),
      ).toBe(true);
    }),
    { numRuns: 5_000 },
  );
});
