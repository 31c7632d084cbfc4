import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Db } from "mongodb";
import { expect, test } from "vitest";
import { connectorMongoClient } from "#connector/mongo-client.ts";
import { startEmbeddedMongo } from "#infra/mongo/embedded-mongo.ts";
import { silentProgress } from "#infra/mongo/progress.ts";
import { databaseFolder } from "#test/support/temporary-folder.ts";
import { keyPair, open, pair } from "./auth.fixture.ts";

const preKeysAtOnce = 812;
/** Before the first row, in the middle, and after the commit. */
const kills: ReadonlyArray<(written: Promise<unknown>) => Promise<unknown>> = [
  async () => undefined,
  () => delay(20),
  () => delay(45),
  () => delay(80),
  (written) => written,
];

/** Starts a mongod of its own, for the test to kill. */
async function ownMongo(dataDir: string) {
  const signal = AbortSignal.timeout(120_000);
  const mongo = await startEmbeddedMongo({ dataDir, env: process.env, progress: silentProgress, signal });
  const client = connectorMongoClient(mongo.uri);
  const { pid } = await client.db("admin").command({ serverStatus: 1 });
  return {
    db: client.db("killed"),
    kill: () => process.kill(pid, "SIGKILL"),
    async [Symbol.asyncDispose]() {
      await client.close();
      await mongo[Symbol.asyncDispose]();
    },
  };
}

interface Upload {
  db: Db;
  channelId: string;
  epoch: number;
  kill(): void;
  untilKill(written: Promise<unknown>): Promise<unknown>;
}

/** Stores 812 more pre-keys while the database is killed. Resolves to the number of earlier ones that are stored. */
async function upload({ db, channelId, epoch, kill, untilKill }: Upload): Promise<number> {
  const ownership = new AbortController();
  const onLost = () => undefined;
  await using auth = await open(db, { channelId, epoch, signal: ownership.signal, onLost });
  if (!auth.linked()) {
    await auth.create();
    pair(auth.state.creds);
    auth.save();
    await auth.flush();
  }
  const { creds, keys } = auth.state;
  const before = creds.nextPreKeyId;
  const ids = Array.from({ length: before - 1 + preKeysAtOnce }, (_, index) => String(index + 1));
  const stored = Object.keys(await keys.get("pre-key", ids));
  expect(stored.length, "pre-keys stored and pre-keys counted").toBe(before - 1);

  creds.nextPreKeyId += preKeysAtOnce;
  const fresh = ids.slice(before - 1).map((id) => [id, keyPair()]);
  const written = Promise.resolve(keys.set({ "pre-key": Object.fromEntries(fresh) }));
  written.catch(() => undefined);
  await untilKill(written);
  kill();
  ownership.abort(new Error("killed with it"));
  return stored.length;
}

test("pre-keys and the credentials' counters are both stored or neither, whenever the database is killed", async () => {
  await using folder = await databaseFolder();
  const channelId = randomUUID();
  const stored: number[] = [];
  for (const [round, untilKill] of [...kills, kills[0]].entries()) {
    if (!untilKill) throw new Error("No kill");
    await using mongo = await ownMongo(folder.path);
    stored.push(await upload({ ...mongo, channelId, epoch: round + 1, untilKill }));
  }
  expect(stored.slice(0, 2)).toEqual([0, 0]);
  expect(stored.at(-1)).toBe((stored.at(-2) ?? 0) + preKeysAtOnce);
}, 240_000);
