import { randomUUID } from "node:crypto";
import type { Db } from "mongodb";
import { type ChangeHub, createChangeHub } from "#shared/change-hub.ts";
import type { Topic } from "#shared/changes.ts";
import type { Config } from "#shared/config.ts";
import { ensureIndexes } from "#shared/database.ts";
import { createHttpServer } from "#shared/http-server.ts";
import { listen, stopListening } from "#shared/listening.ts";
import type { Logger } from "#shared/log.ts";
import { type Connector, startConnector } from "./connector.ts";
import { attachGateway } from "./gateway/gateway.ts";
import { socketUpgradesOnly } from "./gateway/socket-upgrade.ts";
import { healthListener } from "./health.ts";
import { createDiskBudget } from "./media/disk-budget.ts";
import { connectorMongoClient } from "./mongo-client.ts";
import { checkBeforeStart } from "./self-checks.ts";
import type { Timings } from "./timings.ts";

/**
 * How many attachments of the largest size (`MEDIA_MAX_MB`) may be in the temporary folder at once. While one is sent, Baileys
 * has it there up to twice more: encrypted, and plain to measure it.
 */
const attachmentsMax = 16;
/** How many of them one channel may have there. */
const channelAttachmentsMax = 4;

/** The topics of a connector and its gateway, so that one stream shows them from the start. */
export const connectorTopics: readonly Topic[] = [
  "command_queued",
  "command_retried",
  "event_appended",
  "pairing_changed",
  "channel_freed",
  "members_changed",
];

/** Prepares the database, then starts a connector on it. Throws `UnsupportedMongoError` and `SelfCheckError`. */
export async function openConnector(
  db: Db,
  config: Config,
  log: Logger,
  changes: ChangeHub,
  timings: Partial<Timings> = {},
): Promise<Connector> {
  await checkBeforeStart(db, config, log);
  await ensureIndexes(db, config.retention);
  const { mediaBytesMax: bytesMax, mediaAllowHosts: allowHosts } = config;
  const budget = createDiskBudget(attachmentsMax * bytesMax, {
    channelBytesMax: channelAttachmentsMax * bytesMax,
  });
  return startConnector({
    db,
    changes,
    config,
    timings,
    log,
    name: config.connectorId ?? randomUUID(),
    // Loaded with the first media: it makes up a fifth of what a connector loads, and a restart must be short.
    async fetchMedia(url, kind, options) {
      const { fetchMedia } = await import("./media/fetch-media.ts");
      return fetchMedia(url, kind, { ...options, bytesMax, budget, allowHosts });
    },
  });
}

/** A connector that listens for Socket.io and health checks. Disposal stops it gracefully. */
export interface ListeningConnector extends AsyncDisposable {
  url: string;
  failed: Promise<never>;
}

/** Connects to the database and serves a connector. Throws as `openConnector`, and when it cannot listen. */
export async function serveConnector(
  config: Config & { mongoUri: string },
  log: Logger,
): Promise<ListeningConnector> {
  await using owned = new AsyncDisposableStack();
  const client = owned.adopt(connectorMongoClient(config.mongoUri), (opened) => opened.close());
  const db = client.db();
  const changes = owned.use(createChangeHub({ db, log, topics: connectorTopics, withRows: true }));
  const connector = owned.use(await openConnector(db, config, log, changes));
  const server = createHttpServer(
    { log, keepAliveSeconds: config.keepAliveSeconds, server: socketUpgradesOnly },
    healthListener({ db, connector, encryptionKeys: config.encryptionKeys, retention: config.retention }),
  );
  const gateway = await attachGateway({
    server,
    db,
    changes,
    origins: config.frontendOrigins,
    trustProxy: config.trustProxy,
    log,
  });
  owned.defer(async () => {
    // Health checks are answered to the end, with `draining`.
    await Promise.all([connector.stop(), gateway.close()]);
    await stopListening(server);
  });
  const url = await listen(server, config.port, config.host);
  const kept = owned.move();
  return { url, failed: connector.failed, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}
