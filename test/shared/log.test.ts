import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import type { Config } from "#shared/config.ts";
import { createLog, type Logger } from "#shared/log.ts";

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

test.each<[string, (log: Logger, error: Error) => void]>([
  ["alone", (log, error) => log.error(error)],
  ["with words", (log, error) => log.error(error, "words")],
  ["as `err`", (log, error) => log.error({ event: "x", err: error }, "words")],
])("an error that is logged %s leaves its message out", (_, write) => {
  const [line = ""] = written("error", (log) => write(log, new Error("15550001111 wrote: hello")));
  expect(line).not.toContain("15550001111");
  expect(line).toContain("log.test.ts");
});

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

const child = fileURLToPath(new URL("log.child.ts", import.meta.url));
const run = promisify(execFile);

test("a process whose output is not a terminal logs JSON", async () => {
  const { stdout } = await run(process.execPath, [child]);
  expect(JSON.parse(stdout)).toMatchObject({ level: "info", event: "listen", msg: "functions listen" });
});

test("a process on a terminal logs lines for people, without what slipped in", async ({ skip }) => {
  if (process.platform !== "linux") skip("the program that lends a terminal is util-linux's script");
  const env = { ...process.env, NODE: process.execPath, CHILD: child, NO_COLOR: "1" };
  const { stdout } = await run("script", ["-qec", '"$NODE" "$CHILD"', "/dev/null"], { env });
  expect(stdout).toMatch(
    /^\[\d\d:\d\d:\d\d\.\d{3}\] INFO: functions listen \{"event":"listen","url":"http:\/\/127\.0\.0\.1:3000"\}\s*$/,
  );
});
