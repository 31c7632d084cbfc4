import { fileURLToPath } from "node:url";
import type { Db } from "mongodb";
import { createApp } from "#functions/app.ts";
import { howToBuild } from "#functions/assets.ts";
import { changeStreamDoorbell } from "#functions/events/change-stream-doorbell.ts";
import { changeStreamResults } from "#functions/results/change-stream-results.ts";
import type { ResultWaiter } from "#functions/results/results.ts";
import { ensureBootstrapKey } from "#functions/store/bootstrap-key.ts";
import { mongoCommandOutcome } from "#functions/store/mongo-command-outcome.ts";
import { mongoStore } from "#functions/store/mongo-store.ts";
import type { ChangeHub } from "#shared/change-hub.ts";
import type { Config } from "#shared/config.ts";
import { assertReplicaSet, collections, ensureIndexes } from "#shared/database.ts";
import type { LocalConnector } from "#shared/local-connector.ts";
import type { Logger } from "#shared/log.ts";
import { compressAnswers } from "./compress-answers.ts";
import type { Fetch } from "./fetch.ts";
import { readAssets } from "./node-assets.ts";

export interface NodeAppOptions {
  /** The caller owns the client behind it, which must outlive the app. */
  db: Db;
  config: Pick<
    Config,
    "apiKey" | "frontendOrigins" | "trustProxy" | "sendTtlSeconds" | "mediaAllowHosts" | "retention"
  >;
  log: Logger;
  changes: ChangeHub;
  /** The connector that runs in this process. */
  connector?: LocalConnector;
  /** The sandbox's simulated phone, for the console to link to. */
  sandboxUrl?: string;
}

/** The functions on Node. Disposal answers the requests that wait with what is known. */
export interface NodeApp extends AsyncDisposable {
  fetch: Fetch;
}

const consoleFolder = fileURLToPath(new URL("../../console/dist", import.meta.url));

/**
 * Prepares the database (indexes and the first key) and creates the app on it. Throws `UnsupportedMongoError`, and the
 * driver's error when the database cannot be reached.
 */
export async function startNodeApp({
  db,
  changes,
  connector,
  config,
  log,
  sandboxUrl,
}: NodeAppOptions): Promise<NodeApp> {
  await assertReplicaSet(db);
  await ensureIndexes(db, config.retention);
  const { apiKeys, commands } = collections(db);
  await ensureBootstrapKey(apiKeys, config.apiKey, log);
  const assets = await readAssets(consoleFolder);
  if (assets.size === 0) log.warn({ event: "console_not_built" }, `the console is not built. ${howToBuild}`);

  const stopping = new AbortController();
  const { signal } = stopping;
  const results = changeStreamResults({ changes, read: mongoCommandOutcome(commands), signal });
  const app = createApp({
    store: mongoStore(db, config.retention, connector),
    results: abortable(results, signal),
    eventDoorbell: changeStreamDoorbell({ changes, signal }),
    settings: config,
    assets,
    ring: changes.commandQueued,
    ...(connector && { ownedChannel: connector.ownedChannel }),
    ...(sandboxUrl && { sandboxUrl }),
    log,
  });
  return {
    fetch: compressAnswers(app.fetch),
    async [Symbol.asyncDispose]() {
      stopping.abort();
    },
  };
}

/** Ends every wait when `stopping` aborts. */
function abortable(results: ResultWaiter, stopping: AbortSignal): ResultWaiter {
  return {
    wait: (commandId, waitMs, signal) => results.wait(commandId, waitMs, AbortSignal.any([signal, stopping])),
    read: results.read,
    ...(results.expect && { expect: results.expect }),
  };
}
