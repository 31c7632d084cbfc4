/** The part of any error that may be logged: its name and where it happened. */
export interface ErrorTrace {
  /** The error's name. */
  error: string;
  /** Its first stack lines. */
  where: string[];
}

const linesMax = 5;
const stackLine = /^\s+at /;

/** Leaves out the message, which can contain anything, even a key or a message text. */
export function errorTrace(error: unknown): ErrorTrace {
  if (!(error instanceof Error)) return { error: typeof error, where: [] };
  // The stack repeats the message, which may itself look like a stack line.
  const stack = (error.stack ?? "").replace(error.message, "");
  const lines = stack.split("\n").filter((line) => stackLine.test(line));
  return { error: error.name, where: lines.slice(0, linesMax).map((line) => line.trim()) };
}
