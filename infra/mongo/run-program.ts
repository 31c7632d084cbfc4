import spawn, { SubprocessError } from "nano-spawn";

export type ProgramOptions = {
  signal: AbortSignal;
  deadlineMs: number;
  /** Kills the program when it has printed nothing for this long. Without it, only the deadline does. */
  silenceMs?: number;
  /** Its whole environment: see `childEnvironment`. */
  env: NodeJS.ProcessEnv;
  onOutput?: (text: string) => void;
};

const outputCharactersMax = 1_000_000;

/**
 * Runs a program to its end and returns what it wrote to standard output, without the last line break.
 * @throws Error with the last line of its standard error, or the reason it was killed; the signal's reason on abort
 */
export async function runProgram(path: string, args: string[], options: ProgramOptions): Promise<string> {
  options.signal.throwIfAborted();
  const ended = new AbortController();
  const watch = watchdog(options, (reason) => ended.abort(new Error(reason)));
  const program = spawn(path, args, {
    env: { ...nothingInherited(), ...options.env },
    stdin: "ignore",
    windowsHide: true,
    signal: AbortSignal.any([options.signal, ended.signal]),
    killSignal: "SIGKILL",
  });
  const follow = async () => {
    const { stdout, stderr } = await program.nodeChildProcess;
    for (const stream of [stdout, stderr]) stream?.on("data", watch.heard);
    if (options.onOutput) stdout?.on("data", options.onOutput);
  };
  try {
    const [{ stdout }] = await Promise.all([program, follow()]);
    return stdout;
  } catch (error) {
    options.signal.throwIfAborted();
    ended.signal.throwIfAborted();
    throw error instanceof SubprocessError ? failureOf(error) : error;
  } finally {
    watch.stop();
  }
}

/** Undoes that nano-spawn adds this process's variables. */
function nothingInherited(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.keys(process.env).map((name) => [name, undefined]));
}

function watchdog(options: ProgramOptions, end: (reason: string) => void) {
  const { deadlineMs, silenceMs } = options;
  const deadline = setTimeout(() => end(`it took longer than ${deadlineMs / 1000} s`), deadlineMs);
  const silence =
    silenceMs === undefined
      ? undefined
      : setTimeout(() => end(`no output for ${silenceMs / 1000} s`), silenceMs);
  let characters = 0;
  return {
    heard(text: string) {
      silence?.refresh();
      characters += text.length;
      if (characters > outputCharactersMax) end(`it printed more than ${outputCharactersMax} characters`);
    },
    stop() {
      clearTimeout(deadline);
      clearTimeout(silence);
    },
  };
}

/** A program that could not be started has the system's error as its cause. */
function failureOf({ cause, stderr, stdout, signalName, exitCode }: SubprocessError): unknown {
  return (
    cause ??
    new Error(lastLine(stderr) ?? lastLine(stdout) ?? `it exited with ${signalName ?? `code ${exitCode}`}`)
  );
}

function lastLine(text: string): string | undefined {
  const lines = text.split(/[\r\n]+/).map((line) => line.trim());
  return lines.findLast((line) => line !== "");
}
