import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { shiftedClock } from "./shifted-clock.ts";

test("a process with a shifted clock reads every date of its own off by the shift, and given dates as they are", () => {
  const script =
    "console.log(JSON.stringify([Date.now(), new Date().getTime(), new Date(5).getTime(), new Date() instanceof Date, structuredClone(new Date(7)) instanceof Date]))";
  const before = Date.now();
  const output = execFileSync(process.execPath, ["-e", script], {
    env: { ...process.env, ...shiftedClock(-90_000) },
    encoding: "utf8",
  });
  const [now, constructed, given, ...areDates] = JSON.parse(output);
  for (const read of [now, constructed]) {
    expect(read).toBeGreaterThanOrEqual(before - 90_000);
    expect(read).toBeLessThanOrEqual(Date.now() - 90_000);
  }
  expect(given).toBe(5);
  expect(areDates).toEqual([true, true]);
});
