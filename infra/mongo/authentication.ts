import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MongoClient, MongoServerError } from "mongodb";

/** The key with which members of a replica set authenticate, in a file that mongod reads when it starts. */
export type KeyFile = AsyncDisposable & { path: string; key: string };

/** Everything that Waypost does and that an operator may look at, but no server administration and no users. */
const user = "waypost";
const roles = ["readWriteAnyDatabase", "dbAdminAnyDatabase", "clusterMonitor"];
/** SCRAM-SHA-1 hashes a password with MD5. */
const mechanisms = ["SCRAM-SHA-256"];
const userNotFound = 11;

/**
 * Makes a key for one run of mongod. The set has one member, so nobody else needs it. It lies in the temporary folder
 * rather than beside the data: mongod refuses a file that others may read, and not every file system has modes.
 */
export async function newKeyFile(): Promise<KeyFile> {
  const folder = await mkdtemp(join(tmpdir(), "waypost-key-"));
  const path = join(folder, "key");
  const key = randomBytes(96).toString("base64");
  await writeFile(path, key, { mode: 0o600, flag: "wx" });
  return { path, key, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

/** Connects to one server as a member of its replica set would, which may do anything, even before there is a user. */
export function connectAsMember(port: number, key: string): Promise<MongoClient> {
  return MongoClient.connect(`mongodb://127.0.0.1:${port}/?directConnection=true`, {
    auth: { username: "__system", password: key },
    authSource: "local",
    authMechanism: "SCRAM-SHA-256",
  });
}

/**
 * Lets in a user with this password and nobody else. Data of a Waypost without authentication has no such user yet: any
 * other was made while every local user was an administrator, and is removed. Later, users that the operator adds stay.
 */
export async function admitUser(member: MongoClient, password: string): Promise<void> {
  const admin = member.db("admin");
  const account = { pwd: password, roles, mechanisms, writeConcern: { w: "majority" } };
  try {
    await admin.command({ updateUser: user, ...account });
  } catch (error) {
    if (!(error instanceof MongoServerError && error.code === userNotFound)) throw error;
    await removeAllUsers(member);
    await admin.command({ createUser: user, ...account });
  }
}

/** The address for a client of the replica set. It names no database, so the driver's default applies. */
export function authenticatedUri(port: number, replicaSet: string, password: string): string {
  const credentials = `${user}:${encodeURIComponent(password)}`;
  return `mongodb://${credentials}@127.0.0.1:${port}/?replicaSet=${replicaSet}&authSource=admin`;
}

async function removeAllUsers(member: MongoClient): Promise<void> {
  const { users } = await member.db("admin").command({ usersInfo: { forAllDBs: true } });
  for (const { db } of users as { db: string }[])
    await member.db(db).command({ dropAllUsersFromDatabase: 1, writeConcern: { w: "majority" } });
}
