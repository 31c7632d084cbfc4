import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { type Call, callsTo } from "./calls.ts";
import type { SandboxOffers } from "./sandbox.child.ts";

const main = fileURLToPath(new URL("./sandbox.child.ts", import.meta.url));

/** The sandbox in its own process. Disposal ends it. */
export interface SandboxProcess extends AsyncDisposable {
  call: Call<SandboxOffers>;
}

export async function startSandboxProcess(): Promise<SandboxProcess> {
  const child = fork(main, { execArgv: [], serialization: "json" });
  const call = callsTo<SandboxOffers>(child);
  await Promise.race([
    once(child, "message"),
    once(child, "exit").then(() => Promise.reject(new Error("the sandbox did not start"))),
  ]);
  return {
    call,
    async [Symbol.asyncDispose]() {
      const gone = once(child, "exit");
      child.kill("SIGKILL");
      await gone;
    },
  };
}
