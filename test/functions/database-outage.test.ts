import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { type NodeApp, startNodeApp } from "#functions/platforms/node/node-app.ts";
import { functionsMongoClient } from "#functions/store/mongo-client.ts";
import { newApiKey } from "#shared/api-key.ts";
import { createChangeHub } from "#shared/change-hub.ts";
import { readConfig } from "#shared/config.ts";
import { collections } from "#shared/database.ts";
import { eventually } from "../support/eventually.ts";
import { quiet } from "../support/quiet-log.ts";
import { overProxy, type TcpProxy, tcpProxy } from "../support/tcp-proxy.ts";
import { type TestDatabase, testDatabase } from "../support/test-database.ts";

const apiKey = newApiKey();
const resources = new AsyncDisposableStack();
let database: TestDatabase;
let wire: TcpProxy;
let app: NodeApp;
const rung: string[] = [];
beforeAll(async () => {
  database = resources.use(await testDatabase());
  wire = resources.use(await tcpProxy(Number(new URL(inject("mongoUri")).port)));
  const client = resources.adopt(functionsMongoClient(overProxy(wire, inject("mongoUri"))), (opened) =>
    opened.close(),
  );
  await direct().connectors.insertOne({
    _id: "c",
    name: "c",
    state: "alive",
    aliveUntil: new Date(Date.now() + 3_600_000),
    capacity: 1,
    startedAt: new Date(),
  });
  const config = readConfig({ API_KEY: apiKey }, "embedded");
  const db = client.db(database.db.databaseName);
  const changes = resources.use(createChangeHub({ db, log: quiet }));
  const changed = ({ channelId }: { channelId: string | null }) => void rung.push(channelId ?? "");
  changes.listen({ topics: ["command_queued"], changed }, new AbortController().signal);
  app = resources.use(await startNodeApp({ db, changes, config, log: quiet }));
});
afterAll(() => resources.disposeAsync());

/** Bypasses the proxy, like a connector on another network. */
const direct = () => collections(database.db);

interface Body {
  payload?: { channelId: string };
  error?: { code: string; retryable: boolean };
}

async function call(method: string, path: string, body?: object, prefer = "wait=30") {
  const headers = { "X-Api-Key": apiKey, "Content-Type": "application/json", Prefer: prefer };
  const init = { method, headers, ...(body && { body: JSON.stringify(body) }) };
  const answer = await app.fetch(new Request(`http://x${path}`, init));
  const read = (await answer.json()) as Body;
  return { status: answer.status, code: read.error?.code, retryable: read.error?.retryable, body: read };
}
const unavailable = expect.objectContaining({ status: 503, code: "database_unavailable", retryable: true });
const list = () => call("GET", "/api/whatsapp/channels");
const isBack = () => eventually(async () => (await list()).status === 200);

test("calls answer 503 while the database refuses connections, and work again once it is back", async () => {
  expect((await list()).status).toBe(200);
  await wire.close();
  const [read, write, ready, live] = await Promise.all([
    list(),
    call("POST", "/api/whatsapp/channels", { name: "a" }),
    call("GET", "/health/ready"),
    call("GET", "/health/live"),
  ]);
  expect([read, write, ready]).toEqual([unavailable, unavailable, unavailable]);
  expect(live.status).toBe(200);
  await wire.mend();
  await isBack();
  // A process remembers for a second that it was not ready.
  await eventually(async () => (await call("GET", "/health/ready")).status === 200);
});

test("calls answer 503 while the database accepts connections but never answers", async () => {
  wire.freeze();
  expect(await list()).toEqual(unavailable);
  await wire.mend();
  await isBack();
});

/** Starts a call that waits for a connector, on a new channel. */
async function waitingCall(prefer: string) {
  await isBack();
  const created = await call("POST", "/api/whatsapp/channels", { name: "a" });
  const channelId = created.body.payload?.channelId ?? "";
  const pending = call("POST", `/api/whatsapp/channels/${channelId}/disconnect`, {}, prefer);
  await eventually(() => rung.includes(channelId));
  const command = await eventually(() => direct().commands.findOne({ channelId }));
  return { pending, command };
}

test("a waiting call answers 200 although the database was unreachable for a while", async () => {
  const { pending, command } = await waitingCall("wait=30");
  await wire.close();
  const end = { state: "succeeded" as const, result: { status: "inactive" } };
  await direct().commands.updateOne({ _id: command._id }, { $set: end });
  await wire.mend();
  expect(await pending).toMatchObject({ status: 200, body: { status: "inactive" } });
});

test("a call answers 202 when the database stops answering after the command was stored", async () => {
  const { pending, command } = await waitingCall("wait=1");
  wire.freeze();
  expect(await pending).toMatchObject({ status: 202, body: { payload: { commandId: command._id } } });
  await wire.mend();
});
