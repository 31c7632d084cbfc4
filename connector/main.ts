import { readConfig } from "#shared/config.ts";
import { createLog } from "#shared/log.ts";
import { runMain } from "#shared/run-main.ts";
import { privateTemporaryFolder } from "#shared/temporary-folder.ts";
import { serveConnector } from "./serve.ts";
import { surviveRejections } from "./unhandled-rejections.ts";

/** Runs a connector until SIGTERM or SIGINT. */
await runMain(async (stopRequested, env) => {
  const config = readConfig(env, "connector");
  const log = createLog(config.logLevel);
  surviveRejections(log);
  await using _temporary = await privateTemporaryFolder();
  await using connector = await serveConnector(config, log);
  log.info({ event: "listen", url: connector.url }, "connector listens");
  await Promise.race([stopRequested, connector.failed]);
  log.info({ event: "stop" }, "connector stops");
});
