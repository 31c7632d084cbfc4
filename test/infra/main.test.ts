import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { commandLine } from "#infra/mongo/command-line.ts";
import { Api } from "../support/api.ts";
import { eventually } from "../support/eventually.ts";
import { databaseFolder } from "../support/temporary-folder.ts";
import { testDatabase } from "../support/test-database.ts";
import { ask, becomesActive, end, greeting, keyIn, pair, serverOf, start } from "./main.fixture.ts";

const customer = "15550100002";

test("a sandbox prints its addresses and refuses a second start; after a clean stop, as after a kill, it serves its channel", {
  timeout: 240_000,
}, async () => {
  await using folder = await databaseFolder();
  const channelId = await firstRun(folder.path);
  await runAfterStop(folder.path, channelId);
  await using child = start(folder.path, ["--sandbox"]);
  const { url } = await greeting(child);
  await becomesActive(new Api(url, await keyIn(folder.path)), channelId);
  const mongod = await serverOf(folder.path);
  await end(child);
  expect(await commandLine(mongod)).toBeUndefined();
});

/** The first run on an empty folder links a channel, and two SIGINT at once stop it. Resolves with the channel. */
async function firstRun(folder: string): Promise<string> {
  await using child = start(folder, ["--sandbox"]);
  const { url, phone } = await greeting(child);
  const path = join(folder, "sandbox", "api-key");
  const key = await keyIn(folder);
  expect(child.out).toContain(`API key: ${key}  (kept in ${path})\n`);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect((await fetch(`${url}/health/ready`)).status).toBe(200);
  expect(await ask(phone, "accounts")).toMatchObject({ ok: true });

  await using second = start(folder, ["--sandbox"]);
  expect(await second.ended).toBe(1);
  expect(second.err).toMatch(/^The data folder \S+ is used by process \d+\. .*DATA_DIR.*\n$/);
  expect((await fetch(`${url}/health/ready`)).status).toBe(200);

  const channelId = await pair(url, phone, key);
  const mongod = await serverOf(folder);
  expect(await commandLine(mongod)).toContain("mongod");
  // npm forwards the SIGINT that the terminal has already sent to the whole process group.
  await end(child, "SIGINT", "SIGINT");
  expect(await commandLine(mongod)).toBeUndefined();
  return channelId;
}

/** A run after a clean stop prints no key, and its channel sends; then a kill ends it, and MongoDB with it. */
async function runAfterStop(folder: string, channelId: string): Promise<void> {
  await using child = start(folder, ["--sandbox"]);
  const { url, phone } = await greeting(child);
  const key = await keyIn(folder);
  expect(child.out).toContain(`API key: kept in ${join(folder, "sandbox", "api-key")}\n`);
  expect(child.out).not.toContain(key);
  const api = new Api(url, key);
  await becomesActive(api, channelId);
  expect((await ask(phone, "counts")).payload).toMatchObject({ pairings: 0, simultaneousSockets: 0 });

  const { body } = await api.post(`/channels/${channelId}/send`, { to: customer, message: "Still here" });
  const arrived = await ask(phone, `accounts/${customer}/inbox/next?contains=Still&waitMs=10000`);
  expect(arrived.payload).toMatchObject({ id: body.payload.messageId, text: "Still here" });
  const mongod = await serverOf(folder);
  await child.kill();
  await eventually(async () => (await commandLine(mongod)) === undefined);
}

test("a SIGTERM during the start ends it with exit code 0 and leaves no mongod", {
  timeout: 120_000,
}, async () => {
  await using folder = await databaseFolder();
  await using child = start(folder.path, ["--sandbox"]);
  await eventually(() => stat(join(folder.path, "sandbox", "mongodb")), { everyMs: 5 });
  await end(child);
  const mongod = await serverOf(folder.path).catch(() => 0);
  expect(mongod ? await commandLine(mongod) : undefined).toBeUndefined();
});

test.each([
  [
    "wrong settings",
    {
      ...{ PORT: "many", SEND_RATE: "fast", API_KEY: "short" },
      // Is not on loopback.
      WHATSAPP_WEBSOCKET_URL: "wss://127.0.0.1.evil.com/",
    },
    ["PORT", "SEND_RATE", "API_KEY", "WHATSAPP_WEBSOCKET_URL"],
  ],
  ["an impossible data folder", { DATA_DIR: "/dev/null/data" }, ["DATA_DIR"]],
  [
    "an external database without an encryption key",
    { MONGO_URI: "mongodb://127.0.0.1:1/" },
    ["ENCRYPTION_KEY"],
  ],
])("the start fails with one message and exit code 1 on %s", { timeout: 120_000 }, async (_, env, names) => {
  await using folder = await databaseFolder();
  await using child = start(folder.path, [], env);
  expect(await child.ended).toBe(1);
  expect(child.out).toBe("");
  expect(child.err).toMatch(/^The configuration is not valid:\n( {2}- .*\n)+$/);
  for (const name of names) expect(child.err).toContain(`- ${name} `);
});

test("a start on an external database starts no mongod and generates an API key", {
  timeout: 120_000,
}, async () => {
  await using database = await testDatabase();
  await using folder = await databaseFolder();
  const env = { MONGO_URI: database.uri, ENCRYPTION_KEY: Buffer.alloc(32, 7).toString("base64") };
  await using child = start(folder.path, [], env);
  const { url } = await greeting(child);
  const key = (await readFile(join(folder.path, "api-key"), "utf8")).trim();
  expect((await new Api(url, key).get("/channels")).status).toBe(200);
  await expect(stat(join(folder.path, "mongodb"))).rejects.toMatchObject({ code: "ENOENT" });
  await end(child);
});
