import { setTimeout as delay } from "node:timers/promises";
import { type Db, MongoClient, MongoServerError } from "mongodb";
import { EmbeddedMongoError } from "./embedded-mongo-error.ts";

/** The name of the embedded replica set of one. */
export const replicaSet = "waypost";

const primaryDeadlineMs = 60_000;
const lookEveryMs = 20;
const notYetInitialized = 94;

/**
 * Makes the server on this port the primary of a replica set of one: initiated on first start, told its new address
 * when the port changed, left alone otherwise.
 * @throws EmbeddedMongoError `not_started` when it is not primary within a minute; the signal's reason on abort
 */
export async function becomePrimary(port: number, signal: AbortSignal): Promise<void> {
  await using client = await MongoClient.connect(`mongodb://127.0.0.1:${port}/?directConnection=true`);
  const admin = client.db("admin");
  await configure(admin, `127.0.0.1:${port}`);
  for (const until = performance.now() + primaryDeadlineMs; performance.now() < until; ) {
    if ((await admin.command({ hello: 1 })).isWritablePrimary) return;
    await delay(lookEveryMs, undefined, { signal });
  }
  throw new EmbeddedMongoError(
    "not_started",
    `MongoDB did not become primary within ${primaryDeadlineMs / 1000} s.`,
  );
}

async function configure(admin: Db, host: string): Promise<void> {
  const config = await currentConfig(admin);
  if (config === undefined) {
    await admin.command({ replSetInitiate: { _id: replicaSet, members: [{ _id: 0, host }] } });
  } else if (config.members[0].host !== host) {
    const members = [{ ...config.members[0], host }];
    await admin.command({
      replSetReconfig: { ...config, version: config.version + 1, members },
      force: true,
    });
  }
}

async function currentConfig(admin: Db) {
  try {
    return (await admin.command({ replSetGetConfig: 1 })).config;
  } catch (error) {
    if (error instanceof MongoServerError && error.code === notYetInitialized) return undefined;
    throw error;
  }
}
