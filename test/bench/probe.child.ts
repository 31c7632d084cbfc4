/** Preloaded into a program: tells its parent how much memory is live after a collection. */

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { offer } from "./calls.ts";

function collect(): void {
  const { Bun } = globalThis as { Bun?: { gc(force: boolean): void } };
  if (Bun) {
    Bun.gc(true);
    return;
  }
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
}

const offers = {
  /** Twice, because what is freed may hold more. */
  async liveBytes() {
    for (let times = 0; times < 2; times++) {
      collect();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  },
};
export type ProbeOffers = typeof offers;

offer(offers);
// The channel must not keep a program alive that wants to end.
process.channel?.unref();
