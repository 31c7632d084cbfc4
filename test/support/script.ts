import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** A script running in a process of its own; disposal kills it. */
export type Script = AsyncDisposable & {
  pid: number;
  /** The next line it prints. Throws when it ended before. */
  line(): Promise<string>;
  /** Kills it without giving it time for anything, and waits until it is gone. */
  kill(): Promise<void>;
};

/** Starts a TypeScript file with the Node that runs the tests. What it says on standard error is shown. */
export function startScript(
  file: URL,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Script {
  const child = spawn(process.execPath, [fileURLToPath(file), ...args], {
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const kill = async () => {
    child.kill("SIGKILL");
    await exited;
  };
  if (child.pid === undefined) throw new Error(`${file.pathname} did not start`);
  return {
    pid: child.pid,
    kill,
    async line() {
      const { done, value } = await lines.next();
      if (done) throw new Error(`${file.pathname} ended`);
      return value;
    },
    [Symbol.asyncDispose]: kill,
  };
}
