import type { DestinationStream } from "pino";
import { prettyFactory } from "pino-pretty";

/**
 * Formats each JSON line for people before it reaches `output`, within the call that logs it: no thread, and nothing is
 * lost when the process exits. Colours follow what the terminal supports, unless `colorize` says.
 */
export function prettyLines(output: DestinationStream, colorize?: boolean): DestinationStream {
  const format = prettyFactory({
    singleLine: true,
    translateTime: "SYS:HH:MM:ss.l",
    // Our `error` is a name, which would get a line of its own.
    errorLikeObjectKeys: [],
    ...(colorize !== undefined && { colorize }),
  });
  return { write: (line) => output.write(format(line)) };
}
