/** A line of mongod's log, as far as it is read here. */
type LogLine = { severity: string; message: string; error: string | undefined };

/** mongod says this when clients may connect. */
export function saysReady(line: string): boolean {
  return line.includes('"Waiting for connections"');
}

/**
 * Why mongod ended, from the last lines it wrote: the last one that is an error, else the last one that is not part of
 * the log at all (a loader's complaint, a crash).
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
