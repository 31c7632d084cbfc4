import { once } from "node:events";
import { existsSync } from "node:fs";
import { MongoError } from "mongodb";
import { ConfigError, readConfig } from "../shared/config.ts";
import { StandaloneMongoError } from "../shared/database.ts";
import { createLog } from "../shared/log.ts";
import { serveFunctions } from "./serve.ts";

/** Runs the functions until SIGTERM or SIGINT. */
async function main(): Promise<void> {
  if (existsSync(".env")) process.loadEnvFile(".env");
  const config = readConfig(process.env, "functions");
  const log = createLog(config.logLevel);
  const asked = Promise.race([once(process, "SIGTERM"), once(process, "SIGINT")]);
  await using functions = await serveFunctions(config, log);
  log.info({ url: functions.url }, "functions listen");
  await asked;
  log.info("functions stop");
}

/** A start that cannot succeed is explained in one message; anything else is a bug and shows where. */
function explain(error: unknown): string {
  if (error instanceof ConfigError || error instanceof StandaloneMongoError) return error.message;
  if (error instanceof MongoError) return `MONGO_URI: the database cannot be used: ${error.message}`;
  if (error instanceof Error && "syscall" in error) return `Cannot listen: ${error.message}`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

if (import.meta.main) {
  try {
    await main();
  } catch (error) {
    process.stderr.write(`${explain(error)}\n`);
    process.exitCode = 1;
  }
}
