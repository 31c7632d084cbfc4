import { performance } from "node:perf_hooks";
import { sleep } from "#shared/sleep.ts";
import type { TokenBucket } from "../concurrency/token-bucket.ts";

/** Waits until `SEND_RATE` allows the channel one more send, or one of the signals aborts. */
export async function waitForSendRate(bucket: TokenBucket, ...signals: AbortSignal[]): Promise<void> {
  await sleep(bucket.take(performance.now()), AbortSignal.any(signals));
}
