import childProcess, { ChildProcess, type ExecSyncOptions } from "node:child_process";
import { syncBuiltinESMExports } from "node:module";
import { childEnvironment } from "#shared/child-environment.ts";

/** The options that Node and Bun hand to the method that starts a program. */
interface Options {
  file: string;
  args?: readonly string[];
  /** The environment that the caller gave; the one that the program gets is in `envPairs`. */
  env?: NodeJS.ProcessEnv | null | undefined;
  envPairs?: readonly string[];
  /** Set by `exec`. */
  shell?: boolean | string | undefined;
}
type Start = (this: ChildProcess, options: Options) => unknown;

const bounded = Symbol.for("waypost.bounded-programs");
const defaultLimitMs = 10_000;

/**
 * Baileys runs ffmpeg, if there is one, for the thumbnail of a video that a caller chose: with every variable of this
 * process, and without a time limit, so that a video over which it hangs would hold up its channel for good. Without a
 * thumbnail the video is sent all the same. Returns a method that starts a program as `start` does, but with the variables
 * that programs need, and kills a shell's command over its time limit, unless the caller gave an environment.
 */
export function boundedStart(start: Start, env: NodeJS.ProcessEnv, limitMs = defaultLimitMs): Start {
  return function (options) {
    if (options.env) return start.call(this, options);
    if (options.shell) kill(this, limitMs);
    return start.call(this, withEnvironment(options, childEnvironment(env, "program")));
  };
}

function withEnvironment(options: Options, env: NodeJS.ProcessEnv): Options {
  const envPairs = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  // Bun prefers the whole environment, which it keeps under a symbol.
  const symbols = Object.getOwnPropertySymbols(options) as unknown as (keyof Options)[];
  const environments = symbols.filter((key) => typeof options[key] === "object");
  return { ...options, ...Object.fromEntries(environments.map((key) => [key, undefined])), envPairs };
}

function kill(program: ChildProcess, afterMs: number): void {
  const timer = setTimeout(() => program.kill("SIGKILL"), afterMs).unref();
  program.once("exit", () => clearTimeout(timer));
}

/**
 * Bounds every program of this process in the method that starts it: on Bun, a module that imports `exec` by its name keeps
 * what `node:child_process` exported first. `execSync`, by which a dependency of Baileys' runs `ldd`, does not call it.
 */
function boundPrograms(): void {
  const prototype = ChildProcess.prototype as unknown as { spawn: Start };
  if (bounded in prototype.spawn) return;
  prototype.spawn = Object.assign(boundedStart(prototype.spawn, process.env), { [bounded]: true });
  const { execSync } = childProcess;
  const boundedSync = (command: string, options?: ExecSyncOptions) =>
    execSync(command, { env: childEnvironment(process.env, "program"), ...options });
  Object.assign(childProcess, { execSync: boundedSync });
  syncBuiltinESMExports();
}

boundPrograms();
