import { performance } from "node:perf_hooks";
import { sleep } from "../shared/sleep.ts";
import { createPace } from "./pace.ts";

/** Resolves when one more connection to WhatsApp may be opened, so that a start with many channels is no stampede: `burst` at once. */
export function createTurns(perSecond: number, burst: number, signal: AbortSignal): () => Promise<void> {
  const pace = createPace(perSecond, burst);
  return () => sleep(pace.take(performance.now()), signal);
}
