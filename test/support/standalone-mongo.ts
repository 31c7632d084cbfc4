import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { freePort } from "#infra/mongo/free-port.ts";
import { saysReady } from "#infra/mongo/server-log.ts";

/** Starts a mongod that is not a replica set, on the given data folder. Disposal kills it. */
export async function standaloneMongo(
  program: string,
  dbPath: string,
): Promise<AsyncDisposable & { uri: string }> {
  const port = await freePort(undefined);
  const args = ["--dbpath", dbPath, "--port", String(port), "--bind_ip", "127.0.0.1"];
  const child = spawn(program, [...args, "--wiredTigerCacheSizeGB", "0.25", "--nounixsocket"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  const ready = Promise.withResolvers<void>();
  createInterface({ input: child.stdout }).on("line", (line) => void (saysReady(line) && ready.resolve()));
  await Promise.race([
    ready.promise,
    exited.then(([code]) => Promise.reject(new Error(`mongod exited with ${code}`))),
  ]);
  return {
    uri: `mongodb://127.0.0.1:${port}/waypost`,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}
