import { startEmbeddedMongo } from "#infra/mongo/embedded-mongo.ts";
import { silentProgress } from "#infra/mongo/progress.ts";

/** Runs an embedded MongoDB on the data folder named on the command line and prints its URI; runs until killed. */
const [dataDir] = process.argv.slice(2);
if (dataDir === undefined) throw new Error("usage: <folder>");
const signal = AbortSignal.timeout(60_000);
const mongo = await startEmbeddedMongo({ dataDir, env: process.env, progress: silentProgress, signal });
process.stdout.write(`${mongo.uri}\n`);
setInterval(() => {}, 60_000);
