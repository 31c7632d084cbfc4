import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** A TypeScript file running in a process of its own, with all that it says. Disposal kills it. */
export interface Child extends AsyncDisposable {
  pid: number;
  out: string;
  err: string;
  /** Waits until what it printed matches. Throws when it ended without; with what it said on standard error. */
  prints(pattern: RegExp): Promise<RegExpExecArray>;
  signal(signal: NodeJS.Signals): void;
  /** Kills it without giving it time for anything, and waits until it is gone. */
  kill(): Promise<void>;
  /** Its exit code; null when a signal ended it. */
  ended: Promise<number | null>;
}

export interface ChildOptions {
  /** Added to the path and the home of the tests; nothing else is passed on. */
  env?: NodeJS.ProcessEnv;
  /** Absent: a folder without a `.env`. */
  cwd?: string;
}

const withoutSettings = fileURLToPath(new URL(".", import.meta.url));

/** Starts a TypeScript file with the Node that runs the tests. */
export function startChild(file: URL, args: readonly string[] = [], options: ChildOptions = {}): Child {
  const { PATH, HOME, LANG = "C" } = process.env;
  const running = spawn(process.execPath, [fileURLToPath(file), ...args], {
    cwd: options.cwd ?? withoutSettings,
    env: { PATH, HOME, LANG, ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  if (running.pid === undefined) throw new Error(`${file.pathname} did not start`);
  const ended = new Promise<number | null>((resolve) => running.once("close", resolve));
  const kill = async () => {
    running.kill("SIGKILL");
    await ended;
  };
  const child: Child = {
    pid: running.pid,
    out: "",
    err: "",
    prints: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = pattern.exec(child.out);
          if (!found) return;
          running.stdout.off("data", look);
          resolve(found);
        };
        running.stdout.on("data", look);
        look();
        void ended.then(() =>
          reject(new Error(`${file.pathname} ended before it printed ${pattern}\n${child.err}`)),
        );
      }),
    signal: (signal) => void running.kill(signal),
    kill,
    ended,
    [Symbol.asyncDispose]: kill,
  };
  running.stdout.setEncoding("utf8").on("data", (text) => {
    child.out += text;
  });
  running.stderr.setEncoding("utf8").on("data", (text) => {
    child.err += text;
  });
  return child;
}
