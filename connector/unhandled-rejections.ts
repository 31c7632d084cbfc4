import { errorTrace } from "#shared/error-trace.ts";
import type { Logger } from "#shared/log.ts";

/**
 * Logs unhandled rejections instead of ending the process: Baileys starts work without awaiting it, and one failure must
 * not take every channel down.
 */
export function surviveRejections(log: Logger): void {
  process.on("unhandledRejection", (error) => {
    log.error({ event: "unhandled_rejection", ...errorTrace(error) }, "survived");
  });
}
