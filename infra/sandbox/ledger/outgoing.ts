import { BoundedRecords } from "./bounded-records.ts";

const recordsMax = 100_000;
const receiptsMax = 10;
const textMax = 200;

/** One message of a linked device to one person; a group message has one record per member. Times are milliseconds since 1970. */
export interface OutgoingRecord {
  /** Counts all such records from 1. */
  number: number;
  id: string;
  /** The sending account and its linked device. */
  from: string;
  deviceId: number;
  /** Phone number of the reader. */
  to: string;
  /** JID of the group it was written in; null outside groups. */
  group: string | null;
  /** Its first 200 characters, once the reader's phone has decrypted it. */
  text: string | null;
  /** Stanzas with this id that the server accepted, without those that answer a retry request. */
  copies: number;
  /** Stanzas that answered a retry request. */
  resent: number;
  /** Stanzas that the server refused, and the code of the last refusal. */
  refused: number;
  refusedWith: number | null;
  /** When the first stanza with this id arrived, refused or not. */
  seenAt: number;
  /** When the first one was accepted, and its place among all that reached this reader, from 1. */
  arrivedAt: number | null;
  order: number | null;
  /** When the reader's phone showed it, and its place among all that this phone showed, from 1. */
  shownAt: number | null;
  shownOrder: number | null;
  /** How often a device of the reader requested it again. */
  retriesAsked: number;
  /** The receipts that the sender got; the last 10. */
  receipts: { type: string; at: number }[];
}

/** Identifies a message: ids are unique per sender only. */
export type OutgoingKey = Pick<OutgoingRecord, "id" | "from" | "to">;

/** Every message that linked devices sent since the start; the last 100,000. */
export class OutgoingLedger {
  readonly #records = new BoundedRecords<OutgoingRecord>(recordsMax);
  readonly #arrivals = new Map<string, number>();
  readonly #shown = new Map<string, number>();
  #number = 0;

  get forgotten(): number {
    return this.#records.forgotten;
  }

  records(): OutgoingRecord[] {
    return this.#records.values();
  }

  of(key: OutgoingKey): OutgoingRecord | undefined {
    return this.#records.get(keyOf(key));
  }

  /** The server accepted a stanza. `isResend` means that it can only be the answer to a retry request. */
  accepted(key: OutgoingKey & { deviceId: number; group: string | null }, isResend: boolean): void {
    const record = this.#ensure(key);
    if (isResend || record.resent < record.retriesAsked) record.resent += 1;
    else record.copies += 1;
    if (record.arrivedAt !== null) return;
    record.arrivedAt = Date.now();
    record.order = next(this.#arrivals, key.to);
  }

  refused(key: OutgoingKey & { deviceId: number; group: string | null }, code: number): void {
    const record = this.#ensure(key);
    record.refused += 1;
    record.refusedWith = code;
  }

  shown(key: OutgoingKey, text: string | undefined): void {
    const record = this.of(key);
    if (!record || record.shownAt !== null) return;
    record.shownAt = Date.now();
    record.shownOrder = next(this.#shown, key.to);
    record.text = text?.slice(0, textMax) ?? null;
  }

  retryRequested(key: OutgoingKey): void {
    const record = this.of(key);
    if (record) record.retriesAsked += 1;
  }

  receiptSent(key: OutgoingKey, type: string): void {
    const record = this.of(key);
    if (record) record.receipts = [...record.receipts, { type, at: Date.now() }].slice(-receiptsMax);
  }

  #ensure(key: OutgoingKey & { deviceId: number; group: string | null }): OutgoingRecord {
    return this.#records.ensure(keyOf(key), () => ({
      number: ++this.#number,
      ...key,
      text: null,
      copies: 0,
      resent: 0,
      refused: 0,
      refusedWith: null,
      seenAt: Date.now(),
      arrivedAt: null,
      order: null,
      shownAt: null,
      shownOrder: null,
      retriesAsked: 0,
      receipts: [],
    }));
  }
}

const keyOf = ({ from, to, id }: OutgoingKey): string => `${from} ${to} ${id}`;

function next(counters: Map<string, number>, name: string): number {
  const count = (counters.get(name) ?? 0) + 1;
  counters.set(name, count);
  return count;
}
