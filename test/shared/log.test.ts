import { expect, test } from "vitest";
import type { Config } from "#shared/config.ts";
import { createLog } from "#shared/log.ts";

function written(level: Config["logLevel"], write: (log: ReturnType<typeof createLog>) => void) {
  const lines: string[] = [];
  write(createLog(level, { write: (line: string) => void lines.push(line) }));
  return lines;
}

test("an event is one line of JSON with its level, time and words", () => {
  const lines = written("info", (log) => log.info({ event: "listen", channelId: "a" }, "first\nsecond"));
  expect(lines).toHaveLength(1);
  expect(lines[0]?.trimEnd()).not.toContain("\n");
  const line = JSON.parse(lines[0] ?? "");
  expect(line).toEqual({
    level: "info",
    time: expect.any(String),
    event: "listen",
    channelId: "a",
    msg: "first\nsecond",
  });
  expect(new Date(line.time).toISOString()).toBe(line.time);
});

test.each(["apiKey", "qr", "code", "text", "message", "phoneNumber", "to", "creds", "keys"])(
  "%s is removed if it slips in, at every level",
  (field) => {
    const lines = written("trace", (log) => {
      for (const level of ["trace", "debug", "info", "warn", "error", "fatal"] as const)
        log[level]({ event: "x", [field]: "secret" }, "words");
    });
    expect(lines).toHaveLength(6);
    for (const line of lines) {
      expect(line).toContain('"event":"x"');
      expect(line).not.toContain("secret");
      expect(line).not.toContain(`"${field}"`);
    }
  },
);

test("below its level nothing is written, and nothing at all when silent", () => {
  expect(written("warn", (log) => log.info("words"))).toEqual([]);
  expect(written("warn", (log) => log.warn("words"))).toHaveLength(1);
  expect(written("silent", (log) => log.fatal("words"))).toEqual([]);
});

test("the name of the machine and the number of the process are not logged", () => {
  const [line = ""] = written("info", (log) => log.info("words"));
  expect(JSON.parse(line)).not.toHaveProperty("hostname");
  expect(JSON.parse(line)).not.toHaveProperty("pid");
});
