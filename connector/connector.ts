/** Starts a connector: takes a lease, finds the channels that need an owner, and supervises their sessions. */

import type { Collection, Db } from "mongodb";
import { backoffMs } from "#shared/backoff.ts";
import type { ChangeHub } from "#shared/change-hub.ts";
import type { ConnectorDocument } from "#shared/collections.ts";
import type { Config } from "#shared/config.ts";
import { type Collections, collections } from "#shared/database.ts";
import { errorTrace } from "#shared/error-trace.ts";
import type { LocalConnector } from "#shared/local-connector.ts";
import type { Logger } from "#shared/log.ts";
import { aborted, sleep } from "#shared/sleep.ts";
import { masterKeyId } from "./auth/envelope.ts";
import { WA_CERT_DETAILS } from "./baileys/baileys.ts";
import type { MediaFetch } from "./media/fetched-media.ts";
import { renewFormerMessages } from "./messages/former-messages.ts";
import { rereadUnsupported } from "./messages/reread-messages.ts";
import { type ConnectorLease, takeLease } from "./ownership/connector-lease.ts";
import { Supervisor } from "./supervisor.ts";
import { defaultTimings, type Timings } from "./timings.ts";

export interface ConnectorOptions {
  db: Db;
  changes: ChangeHub;
  config: Config;
  /** `CONNECTOR_ID`, or a name made for this start. */
  name: string;
  fetchMedia: MediaFetch;
  timings?: Partial<Timings>;
  log: Logger;
}

/** Runs channels until it is stopped, under one lease after another. */
export interface Connector extends AsyncDisposable, LocalConnector {
  /** Whether the connector holds a lease and takes channels; `draining` from `stop` on. */
  leaseState(): "held" | "draining" | "not_held";
  /** Finishes running commands, gives the channels back, and releases the lease last. */
  stop(): Promise<void>;
  /** Rejects when the connector cannot go on: another living process has its name. */
  failed: Promise<never>;
}

const leaseBackoff = { baseMs: 250, maxMs: 5_000 };

/**
 * Takes a lease and supervises channels with it. When the lease ends, because the database was unavailable too long or
 * another connector declared it dead, hangs up everything and starts over with a new lease.
 */
export function startConnector(options: ConnectorOptions): Connector {
  const { db, config, name, log } = options;
  const timings: Timings = { ...defaultTimings, ...options.timings };
  const all = collections(db);
  const stopping = new AbortController();
  const failed = Promise.withResolvers<never>();
  // A caller that does not await it reads `leaseState`.
  failed.promise.catch(() => undefined);
  let current: { lease: ConnectorLease; supervisor: Supervisor } | null = null;
  if (config.whatsapp.server) WA_CERT_DETAILS.PUBLIC_KEY = Buffer.from(config.whatsapp.server.rootKey);

  const serve = async () => {
    for (let attempt = 0; !stopping.signal.aborted; ) {
      try {
        const lease = await takeLease({
          connectors: all.connectors,
          name,
          capacity: config.channelsMax,
          masterKeyIds: config.encryptionKeys.map(masterKeyId),
          timings,
          log,
        });
        attempt = 0;
        const supervisor = new Supervisor({ ...options, collections: all, lease, timings });
        current = { lease, supervisor };
        log.info({ event: "lease", connector: lease.id }, "connector ready");
        await aborted(AbortSignal.any([lease.ended, stopping.signal]));
        await windDown(current);
      } catch (error) {
        if (error instanceof NameTakenError) return failed.reject(error);
        log.warn({ event: "lease", ...errorTrace(error) }, "lease not taken, retrying");
        await sleep(backoffMs(leaseBackoff, attempt++, Math.random()), stopping.signal);
      }
      current = null;
    }
  };
  const windDown = async ({ lease, supervisor }: { lease: ConnectorLease; supervisor: Supervisor }) => {
    const stopped = new AbortController();
    await Promise.race([supervisor.stop(), sleep(timings.stopMs, stopped.signal)]);
    stopped.abort();
    supervisor.abandon();
    if (lease.isValid()) await lease.release();
    else await assertNameIsOurs(all.connectors, name, lease.id);
  };
  const serving = serve();
  void renew(all, options.config.encryptionKeys, stopping.signal, log);
  const stop = async () => {
    stopping.abort();
    await serving;
  };

  return {
    failed: failed.promise,
    ownedChannel(channelId) {
      return current?.lease.isFresh() ? (current.supervisor.session(channelId)?.owned() ?? null) : null;
    },
    insertClaimed(command, direct) {
      const session = current?.supervisor.session(command.channelId);
      const stored = session?.insertClaimed(command, direct) ?? null;
      if (stored !== null) options.changes.commandClaimed(command._id);
      return stored;
    },
    leaseState() {
      if (stopping.signal.aborted) return "draining";
      return current?.lease.isValid() ? "held" : "not_held";
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** Beside the rest: the rows of former versions can be read as they are. */
async function renew(
  all: Collections,
  masterKeys: readonly Buffer[],
  signal: AbortSignal,
  log: Logger,
): Promise<void> {
  try {
    const rows = await renewFormerMessages(all, signal);
    const reread = await rereadUnsupported(all, masterKeys, signal);
    if (rows + reread > 0) log.info({ event: "messages_renewed", rows, reread }, "rows of messages renewed");
  } catch (error) {
    log.warn(
      { event: "messages_renewed", ...errorTrace(error) },
      "rows of messages not renewed, tried again at the next start",
    );
  }
}

/** Two processes with one name would take each other's channels again and again. */
class NameTakenError extends Error {
  override readonly name = "NameTakenError";
  constructor(name: string) {
    super(
      `CONNECTOR_ID ${name} belongs to another living connector: give every connector a name of its own.`,
    );
  }
}

/** Throws `NameTakenError` when the connector that declared this one dead has the same name and is alive. */
async function assertNameIsOurs(
  connectors: Collection<ConnectorDocument>,
  name: string,
  mine: string,
): Promise<void> {
  const alive = { name, _id: { $ne: mine }, state: { $ne: "dead" as const } };
  const namesake = await connectors.findOne({ ...alive, $expr: { $gt: ["$aliveUntil", "$$NOW"] } });
  if (namesake) throw new NameTakenError(name);
}
