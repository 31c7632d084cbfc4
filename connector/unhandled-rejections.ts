import { errorTrace } from "#shared/error-trace.ts";
import type { Logger } from "#shared/log.ts";

/**
 * Baileys starts work that nobody waits for, whose failure would end the process and with it every channel. It is
 * written down instead: what it was, and where.
 */
export function surviveRejections(log: Logger): void {
  process.on("unhandledRejection", (error) => {
    log.error({ event: "unhandled_rejection", ...errorTrace(error) }, "survived");
  });
}
