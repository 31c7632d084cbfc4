import { expect, test } from "vitest";
import { createLog } from "#shared/log.ts";
import { prettyLines } from "#shared/pretty-log.ts";

function logging(colorize: boolean) {
  const lines: string[] = [];
  const output = prettyLines({ write: (line) => void lines.push(line) }, colorize);
  return { lines, log: createLog("trace", output) };
}

test("a line has the local time, the level, the message and the other fields", () => {
  const { lines, log } = logging(false);
  log.warn({ event: "replay_failed", channelId: "a", error: "TypeError", where: ["at b"] }, "replay failed");
  expect(lines).toEqual([
    expect.stringMatching(
      /^\[\d\d:\d\d:\d\d\.\d{3}\] WARN: replay failed \{"event":"replay_failed","channelId":"a","error":"TypeError","where":\["at b"\]\}\n$/,
    ),
  ]);
});

test("a line is written before the call that logs it returns", () => {
  const { lines, log } = logging(false);
  log.info("first");
  expect(lines).toHaveLength(1);
});

test.each(["apiKey", "qr", "code", "text", "message", "phoneNumber", "to", "creds", "keys"])(
  "%s is removed from a line for people, too",
  (field) => {
    const { lines, log } = logging(false);
    log.fatal({ event: "x", [field]: "secret" }, "words");
    expect(lines.join("")).toMatch(/FATAL: words/);
    expect(lines.join("")).not.toMatch(new RegExp(`secret|"${field}"`));
  },
);

test("colours mark the level where the terminal has them", () => {
  const { lines, log } = logging(true);
  log.info("words");
  expect(lines.join("")).toContain("\u001b[32mINFO\u001b[39m");
});
