import { setTimeout as delay } from "node:timers/promises";
import { type Db, type Document, type MongoClient, MongoNetworkError, MongoServerError } from "mongodb";
import { EmbeddedMongoError } from "./embedded-mongo-error.ts";

/** The name of the embedded replica set of one. */
export const replicaSet = "waypost";

const primaryDeadlineMs = 60_000;
const pollEveryMs = 20;
/** NotYetInitialized: the configuration does not exist, or is still being loaded. */
const notYetInitialized = 94;

/**
 * Makes a server, to which the client connects directly, the primary of a replica set of one: initiates the set on first
 * start, and reconfigures it when the port has changed.
 * @throws EmbeddedMongoError `not_started` when it is not primary within a minute; the signal's reason on abort
 */
export async function becomePrimary(member: MongoClient, port: number, signal: AbortSignal): Promise<void> {
  const admin = member.db("admin");
  const host = `127.0.0.1:${port}`;
  const stored = await member.db("local").collection("system.replset").findOne();
  if (stored === null)
    await admin.command({ replSetInitiate: { _id: replicaSet, members: [{ _id: 0, host }] } });
  else if (stored.members[0].host !== host) await changeHost(admin, host, signal);
  await until(async () => (await admin.command({ hello: 1 })).isWritablePrimary, signal);
}

/**
 * Waits for mongod to load its configuration, while it tries to reach itself at the old address. If another program
 * accepts that connection and then stays silent, this alone takes 30 s (measured on 6.0.5).
 */
async function changeHost(admin: Db, host: string, signal: AbortSignal): Promise<void> {
  await until(async () => {
    const config = await loadedConfig(admin);
    if (config === undefined) return false;
    const members = [{ ...config.members[0], host }];
    await admin.command({
      replSetReconfig: { ...config, version: config.version + 1, members },
      force: true,
    });
    return true;
  }, signal);
}

async function loadedConfig(admin: Db): Promise<Document | undefined> {
  try {
    return (await admin.command({ replSetGetConfig: 1 })).config;
  } catch (error) {
    if (error instanceof MongoServerError && error.code === notYetInitialized) return undefined;
    throw error;
  }
}

/** A connection that closes counts as "not yet": mongod closes all when it finds itself removed from the set, as after a new port. */
async function until(isDone: () => Promise<boolean>, signal: AbortSignal): Promise<void> {
  for (const deadline = performance.now() + primaryDeadlineMs; performance.now() < deadline; ) {
    if (await isDone().catch(ignoreClosed)) return;
    await delay(pollEveryMs, undefined, { signal });
  }
  throw new EmbeddedMongoError(
    "not_started",
    `MongoDB did not become primary within ${primaryDeadlineMs / 1000} s.`,
  );
}

function ignoreClosed(error: unknown): false {
  if (error instanceof MongoNetworkError) return false;
  throw error;
}
