import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** A TypeScript file running in a process of its own, with all that it says. Disposal kills it. */
export type Child = AsyncDisposable & {
  out: string;
  err: string;
  kill(signal: NodeJS.Signals): void;
  /** Its exit code; null when a signal ended it. */
  ended: Promise<number | null>;
};

/** Starts it with the Node that runs the tests, in `cwd`, with nothing but `env` and the path. */
export function startChild(
  file: URL,
  args: readonly string[],
  { env = {}, cwd }: { env?: Record<string, string>; cwd: string },
): Child {
  const { PATH = "", HOME = "", LANG = "C" } = process.env;
  const running = spawn(process.execPath, [fileURLToPath(file), ...args], {
    cwd,
    env: { PATH, HOME, LANG, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = new Promise<number | null>((resolve) => running.once("close", resolve));
  const child: Child = {
    out: "",
    err: "",
    kill: (signal) => void running.kill(signal),
    ended,
    async [Symbol.asyncDispose]() {
      running.kill("SIGKILL");
      await ended;
    },
  };
  running.stdout.setEncoding("utf8").on("data", (text) => {
    child.out += text;
  });
  running.stderr.setEncoding("utf8").on("data", (text) => {
    child.err += text;
  });
  return child;
}
