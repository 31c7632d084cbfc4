import { BoundedRecords } from "./bounded-records.ts";

const recordsMax = 100_000;
const receiptsMax = 10;

/** One message for one linked device, from a person in the sandbox or from another linked device. Times are milliseconds since 1970. */
export interface IncomingRecord {
  /** Counts all such records from 1, in the order in which they were queued for their devices. */
  number: number;
  id: string;
  /** Phone number of the author. */
  from: string;
  /** JID of the group it was written in; null outside groups. */
  group: string | null;
  /** The account and its linked device. */
  to: string;
  deviceId: number;
  /** A copy of a message that the account's owner wrote on another device. */
  isOwn: boolean;
  postedAt: number;
  /** How often it was sent on a socket of the device, and when first. */
  deliveries: number;
  deliveredAt: number | null;
  /** How often the device requested it again. */
  retriesAsked: number;
  /** The device's receipts, including "delivered" and "inactive", and its refusals as "error 500"; the last 10. */
  receipts: { type: string; at: number }[];
  /** When the device first confirmed that it has the message, by a receipt other than a retry or a refusal. */
  confirmedAt: number | null;
}

/** Identifies a message: ids are unique per device. */
type IncomingKey = Pick<IncomingRecord, "id" | "to" | "deviceId">;

/** Every message queued for linked devices since the start; the last 100,000. */
export class IncomingLedger {
  readonly #records = new BoundedRecords<IncomingRecord>(recordsMax);
  #number = 0;

  get forgotten(): number {
    return this.#records.forgotten;
  }

  records(): IncomingRecord[] {
    return this.#records.values();
  }

  posted(key: IncomingKey, about: Pick<IncomingRecord, "from" | "group" | "isOwn">): void {
    this.#records.ensure(keyOf(key), () => ({
      number: ++this.#number,
      ...key,
      ...about,
      postedAt: Date.now(),
      deliveries: 0,
      deliveredAt: null,
      retriesAsked: 0,
      receipts: [],
      confirmedAt: null,
    }));
  }

  delivered(key: IncomingKey): void {
    const record = this.#records.get(keyOf(key));
    if (!record) return;
    record.deliveries += 1;
    record.deliveredAt ??= Date.now();
  }

  /** A device sent a receipt for a message, or refused it: `type` is that of the receipt, or "error 500". */
  receiptReceived(key: IncomingKey, type: string): void {
    const record = this.#records.get(keyOf(key));
    if (!record) return;
    record.receipts = [...record.receipts, { type, at: Date.now() }].slice(-receiptsMax);
    if (type === "retry") record.retriesAsked += 1;
    else if (!type.startsWith("error")) record.confirmedAt ??= Date.now();
  }
}

const keyOf = ({ to, deviceId, id }: IncomingKey): string => `${to}:${deviceId} ${id}`;
