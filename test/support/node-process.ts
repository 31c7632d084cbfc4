import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { freePort } from "#infra/mongo/free-port.ts";
import { baseEnvironment } from "./child.ts";
import type { Runtime } from "./runtime.ts";
import { type SocksProxy, socksProxy } from "./socks-proxy.ts";
import { type TcpProxy, tcpProxy } from "./tcp-proxy.ts";

export interface ProcessOptions {
  name: string;
  runtime: Runtime;
  /** The product's own entry point. */
  main: URL;
  mongoUri: string;
  /** Port of WhatsApp; absent for a process that does not log in to it. */
  whatsappPort?: number;
  /** Its settings, apart from the database, the port and WhatsApp's URL. */
  env: NodeJS.ProcessEnv;
  logPath: string;
  /** Is notified of every process that starts or ends, and kills those that would outlive the tests. */
  guard: { add(pid: number): void; remove(pid: number): void };
}

const readyMs = 120_000;
const pollMs = 25;
const restartMs = 1_000;

/** One of the product's processes. It keeps its port across restarts, and reaches both servers over breakable proxies. */
export class NodeProcess implements AsyncDisposable {
  readonly name: string;
  readonly url: string;
  readonly database: SocksProxy;
  readonly whatsapp: TcpProxy | null;
  connectorId: string;
  /** Settings of its next start that override the others. */
  settings: NodeJS.ProcessEnv = {};
  readonly #options: ProcessOptions;
  readonly #owned: AsyncDisposableStack;
  #child: ChildProcess | null = null;
  /** Whether it should run. If so, it is restarted when it exits, as a process supervisor does. */
  #isWanted = false;
  #unexpectedExits = 0;

  static async start(options: ProcessOptions): Promise<NodeProcess> {
    await using owned = new AsyncDisposableStack();
    const database = owned.use(await socksProxy());
    const whatsapp =
      options.whatsappPort === undefined ? null : owned.use(await tcpProxy(options.whatsappPort));
    const port = await freePort(undefined);
    const started = new NodeProcess(options, port, database, whatsapp, owned.move());
    started.launch();
    return started;
  }

  private constructor(
    options: ProcessOptions,
    port: number,
    database: SocksProxy,
    whatsapp: TcpProxy | null,
    owned: AsyncDisposableStack,
  ) {
    this.#options = options;
    this.#owned = owned;
    this.name = options.name;
    this.connectorId = options.name;
    this.url = `http://127.0.0.1:${port}`;
    this.database = database;
    this.whatsapp = whatsapp;
  }

  /** How often it exited without being asked to and was restarted. */
  get unexpectedExits(): number {
    return this.#unexpectedExits;
  }

  /** Starts it unless it is running. Does not wait until it listens. */
  launch(): void {
    this.#isWanted = true;
    if (this.#child) return;
    const { runtime, main, guard, logPath } = this.#options;
    const log = openSync(logPath, "a");
    const child = spawn(runtime.file, [...runtime.args, fileURLToPath(main)], {
      cwd: fileURLToPath(new URL(".", import.meta.url)),
      env: this.#environment(),
      stdio: ["ignore", log, log],
    });
    closeSync(log);
    const { pid } = child;
    if (pid === undefined) throw new Error(`${this.name} did not start`);
    guard.add(pid);
    this.#child = child;
    child.once("exit", () => {
      guard.remove(pid);
      this.#child = null;
      if (this.#isWanted) this.#restart();
    });
  }

  /** Resolves when it answers over HTTP. */
  async listening(): Promise<void> {
    for (const until = performance.now() + readyMs; ; ) {
      const signal = AbortSignal.timeout(2_000);
      const answer = await fetch(`${this.url}/health/live`, { signal }).catch(() => null);
      if (answer?.ok) return;
      if (performance.now() > until)
        throw new Error(`${this.name} does not listen: ${this.#options.logPath}`);
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** Sends this signal and waits for the exit; kills the process after 40 s. */
  async end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    this.#isWanted = false;
    const child = this.#child;
    if (!child) return;
    const gone = once(child, "exit");
    child.kill(signal);
    const force = setTimeout(() => child.kill("SIGKILL"), 40_000);
    await gone;
    clearTimeout(force);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end("SIGKILL");
    await this.#owned.disposeAsync();
  }

  /** Restarts it after a pause: while the database is unavailable, a starting process exits at once. */
  #restart(): void {
    this.#unexpectedExits += 1;
    setTimeout(() => this.#isWanted && this.launch(), restartMs).unref();
  }

  #environment(): NodeJS.ProcessEnv {
    const { mongoUri, env } = this.#options;
    return {
      ...baseEnvironment(),
      ...env,
      MONGO_URI: `${mongoUri}&proxyHost=127.0.0.1&proxyPort=${this.database.port}`,
      PORT: new URL(this.url).port,
      CONNECTOR_ID: this.connectorId,
      ...(this.whatsapp ? { WHATSAPP_WEBSOCKET_URL: `ws://127.0.0.1:${this.whatsapp.port}/ws/chat` } : {}),
      ...this.settings,
    };
  }
}
