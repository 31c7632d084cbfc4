/** The fields of a mongod log line that are used here. */
type LogLine = { severity: string; message: string; error: string | undefined };

/** Whether this is the line that mongod logs when clients may connect. */
export function saysReady(line: string): boolean {
  return line.includes('"Waiting for connections"');
}

/**
 * Finds the reason why mongod exited in the last lines it wrote: the last error, else the last line that is not part of
 * the log at all (from the dynamic loader, or a crash).
 */
export function reasonFor(lines: readonly string[]): string | undefined {
  const failure = lines.map(parse).findLast((line) => line?.severity === "E" || line?.severity === "F");
  if (failure) return failure.error === undefined ? failure.message : `${failure.message} (${failure.error})`;
  return lines.findLast((line) => line.trim() !== "" && !line.startsWith("{"));
}

/** Log lines are JSON since MongoDB 4.4: `s` severity, `msg`, `attr`. */
function parse(line: string): LogLine | undefined {
  try {
    const { s, msg, attr } = JSON.parse(line);
    const error: unknown = attr?.error;
    return { severity: String(s), message: String(msg), error: describe(error) };
  } catch {
    return undefined;
  }
}

function describe(error: unknown): string | undefined {
  if (error === undefined) return undefined;
  return typeof error === "string" ? error : JSON.stringify(error);
}
