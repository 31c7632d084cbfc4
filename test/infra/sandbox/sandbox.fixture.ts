import { afterEach, beforeEach } from "vitest";
import { type SandboxOptions, startSandbox } from "#infra/sandbox/sandbox.ts";
import type { Sandbox } from "#infra/sandbox/sandbox-api.ts";
import { Client } from "./client.fixture.ts";

export const ana = "15550000001";
export const ben = "15550000002";

/** A new sandbox for each test, and clients that are disconnected after it. */
export interface Fixture {
  sandbox: Sandbox;
  client(config?: ConstructorParameters<typeof Client>[1]): Client;
}

export function useSandbox(options: SandboxOptions = {}): Fixture {
  let sandbox: Sandbox | null = null;
  const clients: Client[] = [];
  const log = process.env.SANDBOX_LOG ? (line: string) => void process.stderr.write(`${line}\n`) : undefined;
  beforeEach(async () => {
    sandbox = await startSandbox({ ...options, ...(log ? { log } : {}) });
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) await client[Symbol.asyncDispose]();
    await sandbox?.[Symbol.asyncDispose]();
  });
  const running = (): Sandbox => {
    if (!sandbox) throw new Error("no sandbox is running");
    return sandbox;
  };
  return {
    get sandbox() {
      return running();
    },
    client(config) {
      const client = new Client(running(), config);
      clients.push(client);
      return client;
    },
  };
}
