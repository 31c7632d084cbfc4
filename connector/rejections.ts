import type { Logger } from "../shared/log.ts";

/**
 * Baileys starts work that nobody waits for, whose failure would end the process and with it every channel. It is
 * written down instead: what it was, and where; not its message, which can hold anything.
 */
export function surviveRejections(log: Logger): void {
  process.on("unhandledRejection", (error) => {
    const where =
      error instanceof Error
        ? error.stack
            ?.split("\n")
            .filter((line) => /^\s+at /.test(line))
            .slice(0, 5)
        : [];
    const name = error instanceof Error ? error.name : typeof error;
    log.error(
      { event: "unhandled_rejection", error: name, where: where?.map((line) => line.trim()) },
      "survived",
    );
  });
}
