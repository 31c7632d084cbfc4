import { MongoClient } from "mongodb";
import { pino } from "pino";
import { createApp } from "#functions/app.ts";
import { pollingResults } from "#functions/results/polling-results.ts";
import { mongoCommandOutcome } from "#functions/store/mongo-command-outcome.ts";
import { mongoStore } from "#functions/store/mongo-store.ts";
import { collections } from "#shared/database.ts";

/** Runs the functions until they are about to insert a command, then hangs. */
const [uri = "", key = "", path = "", body = ""] = process.argv.slice(2);
const client = await MongoClient.connect(uri);
const store = mongoStore(client.db(), { eventsDays: 7, messagesDays: 30 });
const app = createApp({
  store: {
    ...store,
    insertCommand() {
      process.stdout.write("about to insert\n");
      return new Promise(() => undefined);
    },
  },
  results: pollingResults(mongoCommandOutcome(collections(client.db()).commands)),
  settings: { frontendOrigins: [], trustProxy: 0, sendTtlSeconds: 600, mediaAllowHosts: [] },
  assets: new Map(),
  log: pino({ level: "silent" }),
});
const headers = { "X-Api-Key": key, "Content-Type": "application/json", "Idempotency-Key": "killed" };
await app.request(path, { method: "POST", headers, body });
