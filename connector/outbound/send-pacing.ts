import { type TokenBucket, waitForToken } from "../concurrency/token-bucket.ts";

/** Waits until `SEND_RATE` allows the channel one more send, or one of the signals aborts. */
export async function waitForSendRate(bucket: TokenBucket, ...signals: AbortSignal[]): Promise<void> {
  await waitForToken(bucket, signals);
}
