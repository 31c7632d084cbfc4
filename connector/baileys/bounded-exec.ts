import childProcess, { type ExecException, type ExecOptions } from "node:child_process";
import { syncBuiltinESMExports } from "node:module";
import { childEnvironment } from "#shared/child-environment.ts";

type Callback = (error: ExecException | null, stdout: string, stderr: string) => void;
type Exec = (command: string, options: ExecOptions, callback?: Callback) => unknown;

const defaultLimitMs = 10_000;

/**
 * Baileys runs ffmpeg, if there is one, for the thumbnail of a video that a caller chose: with every variable of this
 * process, and without a time limit, so that a video over which it hangs would hold up its channel for good. Without a
 * thumbnail the video is sent all the same.
 */
export function boundedExec(run: Exec, env: NodeJS.ProcessEnv, limitMs = defaultLimitMs) {
  return (command: string, given: ExecOptions | Callback = {}, callback?: Callback) => {
    const [options, done] = typeof given === "function" ? [{}, given] : [given, callback];
    const bounds = {
      env: childEnvironment(env, "program"),
      timeout: limitMs,
      killSignal: "SIGKILL",
    } as const;
    return run(command, { ...bounds, ...options }, done);
  };
}

// Only Baileys calls it in this process. Other properties, by which `promisify` finds its way, stay as they are.
const properties = Object.getOwnPropertyDescriptors(childProcess.exec);
Object.assign(childProcess, {
  exec: Object.defineProperties(boundedExec(childProcess.exec as Exec, process.env), properties),
});
syncBuiltinESMExports();
