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

/** Everyone in the sandbox, by number or LID. */
export interface Directory<P extends Person = Person> {
  /** The person with this number, created if necessary. */
  person(phoneNumber: string): P;
  /** The person behind a number or a LID, null if there is none (yet). */
  find(user: string, addressing: Addressing): P | null;
  people(): P[];
  /** The person whose linked client this is, or was when last looked up; null if there is none. */
  ownerOf(companion: Companion): P | null;
}

/** The state and services that all rooms of the sandbox share. */
export interface Network extends Directory {
  readonly state: SandboxState;
  readonly counts: Counters;
  readonly ledgers: Ledgers;
  readonly rules: FaultRules;
  readonly media: MediaStore;
  readonly connections: Set<Connection>;
  readonly ratchets: RatchetReuse;
  /** Device identities that were verified, by device. */
  readonly verifiedIdentities: LRUCache<string, string>;
  /** How often a device requested a message again. */
  readonly retryCounts: LRUCache<string, number>;
  /** Number of one-time pre-keys reported to a client that has none. */
  readonly firstPreKeyCount: number;
  /** A client with fewer one-time pre-keys than this on the server is asked for more. */
  readonly preKeysLow: number;
  /** Number of people whom a phone names to a client that it links. */
  readonly addressBook: number;
  log(line: string): void;
  /** Call this after every change to state that survives a restart. */
  changed(): void;
  /** Resolves when all changes are on disk; at once if the sandbox is in memory only. */
  saved(): Promise<void>;
  /** Runs the work later, unless the sandbox has ended by then. */
  after(delayMs: number, work: () => void): void;
  /** Runs the work in the background; a failure is counted. */
  background(work: () => Promise<void>): void;
}

/** The live connection of a linked client, if it has one. */
export function connectionOf(network: Network, companion: Companion): Connection | null {
  for (const connection of network.connections)
    if (connection.owner?.companion === companion && connection.isOpen) return connection;
  return null;
}
