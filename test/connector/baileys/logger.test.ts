import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { Writable } from "node:stream";
import { pino } from "pino";
import { expect, test } from "vitest";
import { knownLogLines } from "#connector/baileys/known-log-lines.ts";
import { baileysLogger } from "#connector/baileys/logger.ts";
import { QueueProbed } from "#connector/baileys/queue-probe.ts";
import { RelayRefused } from "#connector/baileys/wire-trace.ts";

function capture() {
  const lines: Record<string, unknown>[] = [];
  const sink = new Writable({
    write: (chunk, _encoding, done) => {
      lines.push(JSON.parse(String(chunk)));
      done();
    },
  });
  return { lines, logger: baileysLogger(pino({ level: "trace", base: null, timestamp: false }, sink)) };
}

test("only the known words and a status code of a Baileys log line pass", () => {
  const { lines, logger } = capture();
  const secret = Buffer.alloc(32, 7);
  const error = Object.assign(new Error("text for 15550001111"), { output: { statusCode: 428 } });
  logger.error({ jid: "15550001111@s.whatsapp.net", err: error, secret }, "Failed to encrypt for recipient");
  expect(lines).toEqual([
    { level: 50, event: "baileys", statusCode: 428, msg: "Failed to encrypt for recipient" },
  ]);
});

test("a queue probe is not logged as an error", () => {
  const { lines, logger } = capture();
  logger.error({ err: new QueueProbed() }, "unexpected error in 'processing offline receipt'");
  logger.error({ error: new RelayRefused() }, "transaction failed, rolling back");
  expect(lines).toEqual([]);
});

test("a known line that contains a number is cut to its beginning", () => {
  const { lines, logger } = capture();
  logger.warn("Invalid LID-PN mapping: 123@lid, 15550001111@s.whatsapp.net");
  expect(lines).toEqual([{ level: 40, event: "baileys", msg: "Invalid LID-PN mapping:" }]);
});

test("an unknown line is not logged literally", () => {
  const { lines, logger } = capture();
  logger.error({ text: "dinner at eight" }, "dinner at eight");
  expect(JSON.stringify(lines)).not.toContain("dinner");
  expect(lines).toHaveLength(1);
});

test("nothing below a warning passes, whatever the log level", () => {
  const { lines, logger } = capture();
  for (const level of ["trace", "debug", "info"] as const)
    logger[level]({ qr: "secret" }, "opened connection to WA");
  logger.child({ class: "socket" }).info({ qr: "secret" });
  expect(lines).toEqual([]);
  expect(logger.level).not.toBe("trace");
});

test("every known log line exists in Baileys", () => {
  const folder = dirname(createRequire(import.meta.url).resolve("@whiskeysockets/baileys"));
  const sources = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".js"))
    .map((name) => readFileSync(join(folder, name), "utf8"))
    .join("\n");
  expect(knownLogLines.filter((message) => !sources.includes(message))).toEqual([]);
});
