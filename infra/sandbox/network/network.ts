/** Holds what the rooms above share: people, client connections, queued stanzas and active faults. */

import type { LRUCache } from "lru-cache";
import type { Addressing } from "../account.ts";
import type { Counters } from "../ledger/counters.ts";
import type { Ledgers } from "../ledger/ledger.ts";
import type { RatchetReuse } from "../ledger/ratchet-reuse.ts";
import type { MediaStore } from "../media/media-host.ts";
import type { Person } from "../state/person.ts";
import type { Companion, SandboxState } from "../state/state.ts";
import type { Connection } from "./connection.ts";
import type { FaultRules } from "./fault-rules.ts";

/** Everybody in the sandbox, by number or LID. */
export interface Directory<P extends Person = Person> {
  /** The person with this number, made if need be. */
  person(phoneNumber: string): P;
  /** The person behind a number or a LID, null if there is none (yet). */
  find(user: string, addressing: Addressing): P | null;
  people(): P[];
  /** Whose linked device this is, or was when it was asked last; null if nobody's. */
  ownerOf(companion: Companion): P | null;
}

/** Everything the parts of the sandbox share: who exists, who is connected, what is broken. */
export interface Network extends Directory {
  readonly state: SandboxState;
  readonly counts: Counters;
  readonly ledgers: Ledgers;
  readonly rules: FaultRules;
  readonly media: MediaStore;
  readonly connections: Set<Connection>;
  readonly ratchets: RatchetReuse;
  /** Device identities that were checked, by device. */
  readonly proven: LRUCache<string, string>;
  /** How often a device asked for a message again. */
  readonly asked: LRUCache<string, number>;
  /** How many one-time pre-keys a client that has none is told it has. */
  readonly firstPreKeyCount: number;
  /** With fewer one-time pre-keys than this on the server, a client is told. */
  readonly preKeysLow: number;
  log(line: string): void;
  /** Something that outlives a restart has changed. */
  changed(): void;
  /** Resolves when everything that has changed is on disk, at once if nothing is kept. */
  saved(): Promise<void>;
  /** Runs later, unless the sandbox has ended by then. */
  after(delayMs: number, work: () => void): void;
  /** Runs in the background; a failure is counted. */
  background(work: () => Promise<void>): void;
}

/** The live connection of a linked client, if it has one. */
export function connectionOf(network: Network, companion: Companion): Connection | null {
  for (const connection of network.connections)
    if (connection.owner?.companion === companion && connection.isOpen) return connection;
  return null;
}
