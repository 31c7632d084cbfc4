import { request } from "node:http";
import { pino } from "pino";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ListeningFunctions, serveFunctions } from "#functions/platforms/node/serve.ts";
import { newApiKey } from "#shared/api-key.ts";
import { readConfig } from "#shared/config.ts";
import { collections } from "#shared/database.ts";
import { eventually } from "#test/support/eventually.ts";
import { type TestDatabase, testDatabase } from "#test/support/test-database.ts";

const apiKey = newApiKey();
const silent = pino({ level: "silent" });
let database: TestDatabase;
const serve = (log = silent) =>
  serveFunctions(readConfig({ MONGO_URI: database.uri, API_KEY: apiKey, PORT: "0" }, "functions"), log);
let functions: ListeningFunctions;
beforeAll(async () => {
  database = await testDatabase();
  functions = await serve();
});
afterAll(async () => {
  await functions[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

const withKey = { "X-Api-Key": apiKey, "Content-Type": "application/json" };
const channels = () => `${functions.url}/api/whatsapp/channels`;

async function channelIdOf(created: Response): Promise<string> {
  return ((await created.json()) as { payload: { channelId: string } }).payload.channelId;
}

test("an empty database is prepared, and the first key can call", async () => {
  expect((await fetch(`${functions.url}/health/ready`)).status).toBe(200);
  const created = await fetch(channels(), { method: "POST", headers: withKey, body: '{"name":"a"}' });
  expect(created.status).toBe(201);
});

test("413 reaches a client that is still sending", async () => {
  const { status, code } = await new Promise<{ status: number | undefined; code: string }>(
    (resolve, reject) => {
      const headers = { ...withKey, "Transfer-Encoding": "chunked" };
      const outgoing = request(channels(), { method: "POST", headers }, (answer) => {
        let text = "";
        answer.on("data", (chunk) => {
          text += chunk;
        });
        answer.on("end", () => resolve({ status: answer.statusCode, code: JSON.parse(text).error.code }));
      });
      outgoing.on("error", reject);
      outgoing.write(Buffer.alloc(1_200_000, "x"));
    },
  );
  expect([status, code]).toEqual([413, "body_too_large"]);
});

test("a client that disconnects in the middle of its body is not logged as an error of ours", async () => {
  const logged: string[] = [];
  await using logging = await serve(pino({}, { write: (line: string) => void logged.push(line) }));
  const outgoing = request(`${logging.url}/api/whatsapp/channels`, {
    method: "POST",
    headers: { ...withKey, "Content-Length": "100" },
  });
  outgoing.on("error", () => undefined);
  outgoing.write('{"name"', () => outgoing.destroy());
  const line = await eventually(() => logged.find((one) => one.includes('"msg":"request"')));
  expect(JSON.parse(line)).toMatchObject({ method: "POST", status: 400 });
  expect(logged.filter((one) => JSON.parse(one).level >= 50)).toEqual([]);
});

test("a client that disconnects while it waits does no harm", async () => {
  const { connectors, commands } = collections(database.db);
  await connectors.insertOne({
    _id: "c",
    name: "c",
    state: "alive",
    aliveUntil: new Date(Date.now() + 3_600_000),
    capacity: 1,
    startedAt: new Date(),
  });
  const created = await fetch(channels(), { method: "POST", headers: withKey, body: '{"name":"a"}' });
  const channelId = await channelIdOf(created);
  const client = new AbortController();
  const gone = fetch(`${channels()}/${channelId}/connect`, {
    method: "POST",
    headers: { ...withKey, Prefer: "wait=30" },
    signal: client.signal,
  });
  await eventually(() => commands.findOne({ channelId }));
  client.abort();
  await expect(gone).rejects.toThrow();
  expect((await fetch(`${functions.url}/health/live`)).status).toBe(200);
});

test("disposal answers waiting requests at once with 202", { timeout: 15_000 }, async () => {
  const ending = await serve();
  const url = `${ending.url}/api/whatsapp/channels`;
  const created = await fetch(url, { method: "POST", headers: withKey, body: '{"name":"a"}' });
  const channelId = await channelIdOf(created);
  const pending = fetch(`${url}/${channelId}/disconnect`, {
    method: "POST",
    headers: { ...withKey, Prefer: "wait=30" },
  });
  await eventually(() => collections(database.db).commands.findOne({ channelId }));
  await ending[Symbol.asyncDispose]();
  expect((await pending).status).toBe(202);
  await expect(fetch(url)).rejects.toThrow();
});

test("a port in use rejects the start with EADDRINUSE", async () => {
  const port = new URL(functions.url).port;
  const config = readConfig({ MONGO_URI: database.uri, PORT: port }, "functions");
  await expect(serveFunctions(config, silent)).rejects.toMatchObject({ code: "EADDRINUSE" });
});
