import { spawn } from "node:child_process";

/** How long a program may take, in milliseconds, and how its output is followed. */
export type ProgramOptions = {
  signal: AbortSignal;
  deadlineMs: number;
  /** Ends it when it printed nothing for so long; without it only the deadline does. */
  silenceMs?: number;
  env?: NodeJS.ProcessEnv;
  onOutput?: (text: string) => void;
};

const outputCharactersMax = 64 * 1024;

/**
 * Runs a program to its end and returns what it wrote to its standard output.
 * @throws Error with the last line it wrote to its standard error, or why it was ended; the signal's reason on abort
 */
export async function runProgram(path: string, args: string[], options: ProgramOptions): Promise<string> {
  options.signal.throwIfAborted();
  const ended = new AbortController();
  const child = spawn(path, args, {
    env: options.env,
    stdio: ["ignore", "pipe", "pipe"],
    windowsHide: true,
    signal: AbortSignal.any([options.signal, ended.signal]),
    killSignal: "SIGKILL",
  });
  const watch = watchdog(options, (reason) => ended.abort(new Error(reason)));
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      watch.heard();
      output[name] = (output[name] + text).slice(-outputCharactersMax);
      if (name === "stdout") options.onOutput?.(text);
    });
  }
  try {
    const { code, signal } = await new Promise<Exit>((resolve, reject) => {
      child.once("error", reject).once("close", (code, signal) => resolve({ code, signal }));
    });
    if (code === 0) return output.stdout;
    throw new Error(lastLine(output.stderr) ?? lastLine(output.stdout) ?? `it ended with ${signal ?? code}`);
  } catch (error) {
    options.signal.throwIfAborted();
    throw ended.signal.aborted ? ended.signal.reason : error;
  } finally {
    watch.stop();
  }
}

type Exit = { code: number | null; signal: NodeJS.Signals | null };

function watchdog(options: ProgramOptions, end: (reason: string) => void) {
  const { deadlineMs, silenceMs } = options;
  const deadline = setTimeout(() => end(`it took longer than ${deadlineMs / 1000} s`), deadlineMs);
  const silence =
    silenceMs === undefined
      ? undefined
      : setTimeout(() => end(`no answer for ${silenceMs / 1000} s`), silenceMs);
  return {
    heard: () => void silence?.refresh(),
    stop() {
      clearTimeout(deadline);
      clearTimeout(silence);
    },
  };
}

function lastLine(text: string): string | undefined {
  const lines = text.split(/[\r\n]+/).map((line) => line.trim());
  return lines.findLast((line) => line !== "");
}
