import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { serveFunctions } from "../../functions/serve.ts";
import { startSandbox } from "../../infra/sandbox/sandbox.ts";
import { readConfig } from "../../shared/config.ts";
import { collections } from "../../shared/database.ts";
import { createLog } from "../../shared/log.ts";
import { Api } from "../support/api.ts";
import { eventually } from "../support/eventually.ts";
import { startScript } from "../support/script.ts";
import { testDatabase } from "../support/test-database.ts";
import { apiKey } from "../support/waypost.ts";

const connectorMain = new URL("../../connector/main.ts", import.meta.url);

test("functions and a connector in processes of their own; the connector is killed, and its successor takes up", {
  timeout: 90_000,
}, async () => {
  await using database = await testDatabase();
  await using sandbox = await startSandbox();
  const env = {
    ...{
      PATH: process.env.PATH,
      MONGO_URI: database.uri,
      PORT: "0",
      CONNECTOR_ID: "killed",
      LOG_LEVEL: "info",
    },
    ENCRYPTION_KEY: randomBytes(32).toString("base64"),
    WHATSAPP_WEBSOCKET_URL: sandbox.websocketUrl,
    WHATSAPP_ROOT_KEY: sandbox.rootKey,
  };
  const config = readConfig({ MONGO_URI: database.uri, PORT: "0", API_KEY: apiKey }, "functions");
  await using functions = await serveFunctions(config, createLog("silent"));
  const api = new Api(functions.url, apiKey);
  const { channels, commands } = collections(database.db);
  const phone = sandbox.account("15550100081");
  const contact = sandbox.account("15550100082");

  const nobody = await api.post("/channels", { name: "Shop" });
  const { channelId } = nobody.body.payload;
  const wished = await api.post(`/channels/${channelId}/connect`);
  expect(wished.status).toBe(202);

  {
    await using first = startScript(connectorMain, [], env);
    await listening(first);
    const waiting = await eventually(
      async () => (await channels.findOne({ _id: channelId }))?.pairing?.text,
      { withinMs: 30_000 },
    );
    await phone.scan(waiting);
    await eventually(async () => (await channels.findOne({ _id: channelId }))?.status === "active", {
      withinMs: 20_000,
    });
    const sent = await api.post(`/channels/${channelId}/send`, { to: "15550100082", message: "one" });
    expect(sent.status).toBe(200);
    await first.kill();
  }

  const queued = await api.post(
    `/channels/${channelId}/send`,
    { to: "15550100082", message: "two" },
    { Prefer: "respond-async" },
  );
  expect(queued.status).toBe(202);
  await using second = startScript(connectorMain, [], env);
  await listening(second);
  await contact.waitForMessage(({ text }) => text === "two", { timeoutMs: 20_000 });
  expect(contact.inbox.map(({ text }) => text)).toEqual(["one", "two"]);
  expect(sandbox.counts.snapshot()).toMatchObject({
    pairings: 1,
    reusedRatchetCounters: 0,
    decryptFailures: 0,
  });
  const settled = await eventually(() =>
    commands.findOne({ _id: queued.body.payload.commandId, state: "succeeded" }),
  );
  expect(settled.claim?.epoch).toBe(2);

  process.kill(second.pid, "SIGTERM");
  await eventually(async () => (await channels.findOne({ _id: channelId }))?.owner.connector === null, {
    withinMs: 25_000,
  });
  await eventually(() => phone.devices().every(({ isConnected }) => !isConnected));
});

async function listening(script: { line(): Promise<string> }): Promise<void> {
  while (!(await script.line()).includes("connector listens"));
}
