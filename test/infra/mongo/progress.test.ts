import { expect, test } from "vitest";
import { terminalProgress } from "#infra/mongo/progress.ts";

test("without a terminal, progress prints every line, and a tick at most every two seconds", () => {
  let nowMs = 0;
  let written = "";
  const progress = terminalProgress({ write: (text: string) => (written += text) }, () => nowMs);
  progress.say("fetching");
  for (nowMs = 0; nowMs < 5_000; nowMs += 500) progress.tick(`${nowMs}`);
  progress.say("done");
  expect(written).toBe("fetching\n0\n2000\n4000\ndone\n");
});

test("on a terminal, ticks rewrite one line, which the next line replaces", () => {
  let written = "";
  const progress = terminalProgress({ isTTY: true, write: (text: string) => (written += text) });
  progress.tick("1 of 2");
  progress.tick("2 of 2");
  progress.say("done");
  progress.say("up");
  const clear = "\r\u001b[2K";
  expect(written).toBe(`${clear}1 of 2${clear}2 of 2${clear}done\nup\n`);
});
