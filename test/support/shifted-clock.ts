import { fileURLToPath } from "node:url";

/** The settings of a process, on Node or Bun, whose wall clock is off by this many milliseconds. */
export function shiftedClock(shiftMs: number): NodeJS.ProcessEnv {
  const preload = new URL("./shifted-clock.child.ts", import.meta.url);
  return {
    NODE_OPTIONS: `--import=${preload.href}`,
    BUN_OPTIONS: `--preload=${fileURLToPath(preload)}`,
    TEST_CLOCK_SHIFT_MS: String(shiftMs),
  };
}
