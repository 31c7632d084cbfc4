import type { BinaryNode } from "@whiskeysockets/baileys";
import { LRUCache } from "lru-cache";
import type { Connection, ConnectionHandler } from "./connection.ts";
import { createCounts } from "./counts.ts";
import { FaultRules } from "./fault-rules.ts";
import { reopenAttachments } from "./inbox.ts";
import { createLedgers } from "./ledger.ts";
import { admit } from "./login.ts";
import type { MediaShelf, Network } from "./network.ts";
import { newPersonState, Person } from "./person.ts";
import { RatchetOracle } from "./ratchet-oracle.ts";
import { ended } from "./socket-ledger.ts";
import { routeStanza } from "./stanza-router.ts";
import type { Companion, SandboxState } from "./state.ts";

const rememberedMax = 10_000;
const phoneNumberShape = /^[1-9]\d{4,19}$/;

export interface HubDeps {
  state: SandboxState;
  media: MediaShelf;
  options: { firstPreKeyCount?: number; preKeysLow?: number; log?: (line: string) => void };
  changed: () => void;
  saved: () => Promise<void>;
}

/** The network at work, and what it does with connections. Disposing it hangs up on everybody. */
export interface Hub extends Disposable {
  network: Network;
  handler: ConnectionHandler;
}

export function createHub({ state, media, options, changed, saved }: HubDeps): Hub {
  const counts = createCounts();
  const timers = { pending: new Set<NodeJS.Timeout>(), isClosed: false };
  const log = options.log ?? (() => {});
  const failed = (error: unknown): void => {
    counts.handlerErrors += 1;
    log(`error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  };
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
    ratchets: new RatchetOracle(),
    proven: new LRUCache({ max: rememberedMax }),
    asked: new LRUCache({ max: rememberedMax }),
    firstPreKeyCount: options.firstPreKeyCount ?? 3,
    preKeysLow: options.preKeysLow ?? 2,
    ...populate(state, changed, () => network),
    after(delayMs, work) {
      if (timers.isClosed) return;
      const timer = setTimeout(() => {
        timers.pending.delete(timer);
        network.background(async () => work());
      }, delayMs);
      timers.pending.add(timer);
    },
    background: (work) => void work().catch(failed),
  };
  for (const person of network.people()) network.background(() => reopenAttachments(network, person));
  return {
    network,
    handler: handlerFor(network, failed),
    [Symbol.dispose]() {
      timers.isClosed = true;
      for (const timer of timers.pending) clearTimeout(timer);
      for (const connection of network.connections) connection.drop("stopped");
    },
  };
}

/** Who exists: made on first use, and found by number or LID. */
function populate(
  state: SandboxState,
  changed: () => void,
  network: () => Network,
): Pick<Network, "person" | "find" | "people" | "ownerOf"> {
  const people = new Map<string, Person>();
  const byLid = new Map<string, Person>();
  const owners = new WeakMap<Companion, Person>();
  const add = (person: Person): Person => {
    people.set(person.phoneNumber, person);
    byLid.set(person.state.lid, person);
    return person;
  };
  const restored = (): Map<string, Person> => {
    if (people.size === 0) for (const kept of Object.values(state.people)) add(new Person(network(), kept));
    return people;
  };
  return {
    person(phoneNumber) {
      const known = restored().get(phoneNumber);
      if (known) return known;
      if (!phoneNumberShape.test(phoneNumber)) throw new Error(`not a phone number: ${phoneNumber}`);
      const person = newPersonState(phoneNumber);
      state.people[phoneNumber] = person;
      changed();
      return add(new Person(network(), person));
    },
    find: (user, addressing) => (restored() && (addressing === "pn" ? people : byLid).get(user)) ?? null,
    people: () => [...restored().values()],
    ownerOf(companion) {
      const known = owners.get(companion);
      if (known) return known;
      const owner = [...restored().values()].find((person) => person.state.companions.includes(companion));
      if (owner) owners.set(companion, owner);
      return owner ?? null;
    },
  };
}

function handlerFor(network: Network, failed: (error: unknown) => void): ConnectionHandler {
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
    onFailure: failed,
  };
}
