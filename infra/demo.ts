import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectorMongoClient } from "#connector/mongo-client.ts";
import { readConfig } from "#shared/config.ts";
import { collections } from "#shared/database.ts";
import { createLog } from "#shared/log.ts";
import { runMain, StoppedEarlyError } from "#shared/run-main.ts";
import { privateTemporaryFolder } from "#shared/temporary-folder.ts";
import { startWaypost } from "./all-in-one.ts";
import { demoClient } from "./demo/client.ts";
import { servePicture } from "./demo/picture.ts";
import { printedSteps, StepError } from "./demo/step.ts";
import { tour } from "./demo/tour.ts";
import { embeddedConfig } from "./embedded-config.ts";
import { startEmbeddedMongo } from "./mongo/embedded-mongo.ts";
import { terminalProgress } from "./mongo/progress.ts";
import { startSandbox } from "./sandbox/sandbox.ts";
import { withSandbox } from "./sandbox-config.ts";

/** `npm run demo`: walks the main job on a simulated WhatsApp, on free ports and in a temporary folder. */
await runMain(async (stopRequested) => {
  const startedAt = performance.now();
  try {
    await demo(stopRequested);
    process.stdout.write(
      `\nAll steps passed in ${((performance.now() - startedAt) / 1_000).toFixed(1)} s.\n`,
    );
  } catch (error) {
    if (!(error instanceof StepError)) throw error;
    process.stdout.write(`\nFailed at: ${error.message}\n`);
    process.exitCode = 1;
  }
});

async function demo(stopRequested: Promise<unknown>): Promise<void> {
  await using _temporary = await privateTemporaryFolder();
  const dataDir = await mkdtemp(join(tmpdir(), "waypost-demo-"));
  await using owned = new AsyncDisposableStack();
  owned.defer(() => rm(dataDir, { recursive: true, force: true }));
  const steps = printedSteps(process.stdout);
  const progress = terminalProgress(process.stdout);
  const signal = AbortSignal.timeout(15 * 60_000);
  const mongo = owned.use(await startEmbeddedMongo({ dataDir, env: process.env, progress, signal }));
  const picture = owned.use(await servePicture());
  const sandbox = await steps.run(
    "start a simulated WhatsApp",
    () => startSandbox(),
    ({ adminUrl }) => adminUrl,
  );
  owned.use(sandbox);
  const given = readConfig(
    { LOG_LEVEL: "warn", PORT: "0", SEND_RATE: "0", MEDIA_ALLOW_HOSTS: picture.host },
    "embedded",
  );
  const { config } = await embeddedConfig(withSandbox(given, sandbox), mongo.uri, dataDir);
  const waypost = await steps.run(
    "start functions, connector and gateway",
    () => startWaypost({ config, log: createLog("silent") }),
    ({ url }) => url,
  );
  owned.use(waypost);
  const client = owned.use(demoClient(waypost.url, config.apiKey ?? ""));
  const database = owned.use(connectorMongoClient(mongo.uri));
  const stopped = stopRequested.then(() => Promise.reject(new StoppedEarlyError()));
  const channels = collections(database.db()).channels;
  await Promise.race([tour({ client, sandbox, picture, channels, steps }), stopped]);
}
