import { fileURLToPath } from "node:url";
import { runProgram } from "./program.ts";
import { downloadVersion } from "./server-sources.ts";
import type { Fetching } from "./server-wheel.ts";

const child = fileURLToPath(new URL("./server-download-child.ts", import.meta.url));
const downloadDeadlineMs = 15 * 60_000;
/** Also covers a network that swallows packets: a start must not hang on a download that never begins. */
const silenceMs = 10_000;

/**
 * Fetches mongod from MongoDB's own site, through mongodb-memory-server, which knows the build for each system.
 * @returns the path of mongod inside the workspace
 * @throws Error that says why, after seconds when there is no way to the site
 */
export async function fetchDownload({ workspace, env, progress, signal }: Fetching): Promise<string> {
  const output = await runProgram(process.execPath, [child, downloadVersion, workspace], {
    env: { ...env, ...settings(workspace) },
    signal,
    deadlineMs: downloadDeadlineMs,
    silenceMs,
    onOutput(text) {
      const done = /([\d.]+%) \(([\d.]+)mb \/ ([\d.]+)mb\)/.exec(text);
      if (done) progress.tick(`MongoDB: ${done[2]} of ${done[3]} MB`);
    },
  });
  const path = output.trim().split("\n").at(-1);
  if (!path) throw new Error("the download ended without a result");
  return path;
}

/** mongodb-memory-server verifies TLS certificates only when npm was told to; its checksum comes from the same site. */
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
