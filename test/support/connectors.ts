import { randomBytes } from "node:crypto";
import { serveFunctions } from "#functions/platforms/node/serve.ts";
import { startSandbox } from "#infra/sandbox/sandbox.ts";
import type { ChannelDocument } from "#shared/collections.ts";
import { readConfig } from "#shared/config.ts";
import { collections } from "#shared/database.ts";
import { createLog } from "#shared/log.ts";
import { Api } from "./api.ts";
import { type Child, startChild } from "./child.ts";
import { eventually } from "./eventually.ts";
import { testDatabase } from "./test-database.ts";
import { apiKey } from "./waypost.ts";

const connectorMain = new URL("../../connector/main.ts", import.meta.url);
const patient = { withinMs: 60_000, everyMs: 50 };

/** A connector in a process of its own, and where it listens. */
export type RunningConnector = Child & { url: string };

/** Functions here, connectors in processes of their own beside each other, channels, and a sandbox. */
export async function connectorsApart() {
  await using owned = new AsyncDisposableStack();
  const database = owned.use(await testDatabase());
  const sandbox = owned.use(await startSandbox());
  const config = readConfig({ MONGO_URI: database.uri, PORT: "0", API_KEY: apiKey }, "functions");
  const functions = owned.use(await serveFunctions(config, createLog("silent")));
  const api = new Api(functions.url, apiKey);
  const all = collections(database.db);
  const env = {
    MONGO_URI: database.uri,
    PORT: "0",
    API_KEY: apiKey,
    SEND_RATE: "0",
    ENCRYPTION_KEY: randomBytes(32).toString("base64"),
    WHATSAPP_WEBSOCKET_URL: sandbox.websocketUrl,
    WHATSAPP_ROOT_KEY: sandbox.rootKey,
  };
  const document = async (_id: string): Promise<ChannelDocument> => {
    const found = await all.channels.findOne({ _id });
    if (!found) throw new Error("the channel is gone");
    return found;
  };
  const kept = owned.move();
  return {
    ...{ database, sandbox, api, all, document },
    /** Under this `CONNECTOR_ID`, with further settings. */
    async start(name: string, settings: NodeJS.ProcessEnv = {}): Promise<RunningConnector> {
      const child = kept.use(
        startChild(connectorMain, [], { env: { ...env, CONNECTOR_ID: name, ...settings } }),
      );
      const [, url = ""] = await child.prints(/"url":"([^"]+)"[^\n]*connector listens/);
      return Object.assign(child, { url });
    },
    /** A channel that is linked to this number, by whichever connector takes it. */
    async pair(phoneNumber: string): Promise<string> {
      const { channelId } = (await api.post("/channels", { name: phoneNumber })).body.payload;
      await api.post(`/channels/${channelId}/connect`);
      const code = await eventually(async () => (await document(channelId)).pairing?.text, patient);
      await sandbox.account(phoneNumber).scan(code);
      await eventually(async () => (await document(channelId)).status === "active", patient);
      return channelId;
    },
    /** The name of the living connector that owns the channel and has it active; null when none does. */
    async activeAt(channelId: string): Promise<string | null> {
      const { owner, status } = await document(channelId);
      const holder = await all.connectors.findOne({ _id: owner.connector ?? "" });
      return status === "active" && holder && holder.state !== "dead" ? holder.name : null;
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}
