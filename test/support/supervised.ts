import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { NodeProcess, type ProcessOptions } from "./node-process.ts";
import { node, type Runtime } from "./runtime.ts";

export interface SupervisedOptions {
  /** 0: each connector runs the functions, too, in one process. */
  functions: number;
  connectors: number;
  /** The runtime of the connectors; functions of their own run on Node. */
  connectorRuntime: Runtime;
  mongoUri: string;
  /** Port of the WhatsApp that the connectors log in to. */
  whatsappPort: number;
  functionsEnv: NodeJS.ProcessEnv;
  connectorsEnv: NodeJS.ProcessEnv;
}

/** The product's processes, started from its own entry points. Disposal kills them. */
export interface Supervised extends AsyncDisposable {
  /** The connectors, if each runs the functions, too. */
  functions: NodeProcess[];
  connectors: NodeProcess[];
  /** Folder of the processes' logs. Kept after disposal, so that a failure can be explained. */
  folder: string;
  /** Removes the logs on disposal. */
  forgetLogs(): void;
}

const functionsMain = new URL("../../functions/platforms/node/main.ts", import.meta.url);
const connectorMain = new URL("../../connector/main.ts", import.meta.url);
const bothMain = new URL("../../infra/main.ts", import.meta.url);

/** Starts all processes at once; resolves when each of them listens. */
export async function startSupervised(options: SupervisedOptions): Promise<Supervised> {
  const { mongoUri, whatsappPort, connectorRuntime, functionsEnv, connectorsEnv } = options;
  await using owned = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "waypost-chaos-"));
  let isKept = true;
  owned.defer(() => (isKept ? undefined : rm(folder, { recursive: true, force: true })));
  const guard = owned.use(startGuard());
  type Kind = Pick<ProcessOptions, "runtime" | "main" | "env" | "whatsappPort">;
  const start = async (name: string, kind: Kind) => {
    const logPath = join(folder, `${name}.log`);
    return owned.use(await NodeProcess.start({ ...kind, name, mongoUri, logPath, guard }));
  };
  const functions = await times(options.functions, (index) =>
    start(`functions-${index}`, { runtime: node, main: functionsMain, env: functionsEnv }),
  );
  const isTogether = options.functions === 0;
  const connectors = await times(options.connectors, (index) =>
    start(`connector-${index}`, {
      ...{ runtime: connectorRuntime, main: isTogether ? bothMain : connectorMain },
      ...{ env: { ...(isTogether && functionsEnv), ...connectorsEnv }, whatsappPort },
    }),
  );
  await Promise.all([...functions, ...connectors].map((each) => each.listening()));
  const kept = owned.move();
  return {
    ...{ functions: isTogether ? connectors : functions, connectors, folder },
    forgetLogs() {
      isKept = false;
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

const times = <T>(count: number, make: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => make(index)));

/** Starts a process that kills the others if this one exits without doing so. */
function startGuard() {
  const main = fileURLToPath(new URL("./child-guard.child.ts", import.meta.url));
  const running = spawn(process.execPath, [main], { detached: true, stdio: ["pipe", "ignore", "ignore"] });
  running.on("error", () => undefined).unref();
  running.stdin.on("error", () => undefined);
  return {
    add: (pid: number) => void running.stdin.write(`+${pid}\n`),
    remove: (pid: number) => void running.stdin.write(`-${pid}\n`),
    [Symbol.dispose]: () => void running.stdin.end(),
  };
}
