/** Runs the functions on a platform: on Node, as a server that compresses what it sends. */

import { type Environment, readConfig } from "#shared/config.ts";
import { createLog } from "#shared/log.ts";
import { runMain } from "#shared/run-main.ts";
import { serveFunctions } from "./serve.ts";

/** Runs the functions until SIGTERM or SIGINT. */
async function main(stopRequested: Promise<unknown>, env: Environment): Promise<void> {
  const config = readConfig(env, "functions");
  const log = createLog(config.logLevel);
  await using functions = await serveFunctions(config, log);
  log.info({ event: "listen", url: functions.url }, "functions listen");
  await stopRequested;
  log.info({ event: "stop" }, "functions stop");
}

if (import.meta.main) await runMain(main);
