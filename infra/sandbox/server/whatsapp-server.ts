/** Accepts connections, logs clients in, answers their queries and routes all other stanzas. */

import type { BinaryNode } from "@whiskeysockets/baileys";
import { createBoundedCache } from "#shared/bounded-cache.ts";
import { createCounters } from "../ledger/counters.ts";
import { createLedgers } from "../ledger/ledger.ts";
import { RatchetReuse } from "../ledger/ratchet-reuse.ts";
import { ended } from "../ledger/sockets.ts";
import type { MediaStore } from "../media/media-host.ts";
import { reopenAttachments } from "../messages/inbox.ts";
import type { Connection, ConnectionHandler } from "../network/connection.ts";
import { FaultRules } from "../network/fault-rules.ts";
import type { Directory, Network } from "../network/network.ts";
import { createDirectory } from "../people/directory.ts";
import type { SimulatedPerson } from "../people/simulated-person.ts";
import type { SandboxState } from "../state/state.ts";
import { admit } from "./login.ts";
import { routeStanza } from "./stanza-router.ts";

const rememberedMax = 10_000;

export interface WhatsAppServerOptions {
  state: SandboxState;
  media: MediaStore;
  options: {
    firstPreKeyCount?: number;
    preKeysLow?: number;
    addressBook?: number;
    log?: (line: string) => void;
  };
  changed: () => void;
  saved: () => Promise<void>;
}

/** The running network and its handler for connections. Disposing it cuts every connection. */
export interface WhatsAppServer extends Disposable {
  network: Network;
  /** The people of the network, as full accounts. */
  directory: Directory<SimulatedPerson>;
  handler: ConnectionHandler;
}

export function createWhatsAppServer({
  state,
  media,
  options,
  changed,
  saved,
}: WhatsAppServerOptions): WhatsAppServer {
  const counts = createCounters();
  const timers = { pending: new Set<NodeJS.Timeout>(), isClosed: false };
  const log = options.log ?? (() => {});
  const reportFailure = (error: unknown): void => {
    counts.handlerErrors += 1;
    log(`error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  };
  const directory = createDirectory(state, changed, () => network);
  const network: Network = {
    state,
    counts,
    ledgers: createLedgers(),
    media,
    log,
    changed,
    saved,
    rules: new FaultRules(),
    connections: new Set(),
    ratchets: new RatchetReuse(),
    verifiedIdentities: createBoundedCache(rememberedMax),
    retryCounts: createBoundedCache(rememberedMax),
    firstPreKeyCount: options.firstPreKeyCount ?? 3,
    preKeysLow: options.preKeysLow ?? 2,
    addressBook: options.addressBook ?? Number.POSITIVE_INFINITY,
    ...directory,
    after(delayMs, work) {
      if (timers.isClosed) return;
      const timer = setTimeout(() => {
        timers.pending.delete(timer);
        network.background(async () => work());
      }, delayMs);
      timers.pending.add(timer);
    },
    background: (work) => void work().catch(reportFailure),
  };
  for (const person of network.people()) network.background(() => reopenAttachments(network, person));
  return {
    network,
    directory,
    handler: handlerFor(network, reportFailure),
    [Symbol.dispose]() {
      timers.isClosed = true;
      for (const timer of timers.pending) clearTimeout(timer);
      for (const connection of network.connections) connection.drop("stopped");
    },
  };
}

function handlerFor(network: Network, reportFailure: (error: unknown) => void): ConnectionHandler {
  return {
    onHandshake(connection, payload) {
      connection.onSent = ({ tag }: BinaryNode) => {
        network.counts.sent[tag] = (network.counts.sent[tag] ?? 0) + 1;
      };
      return admit(network, connection, payload);
    },
    onStanza: (connection, node) => routeStanza(network, connection, node),
    onClose(connection: Connection) {
      ended(connection.record, "client");
      network.connections.delete(connection);
    },
    onError(connection, error) {
      network.log(`${connection.id}: ${String(error)}`);
      connection.drop("broken");
    },
    onFailure: reportFailure,
  };
}
