import { BoundedRecords } from "./bounded-records.ts";

const recordsMax = 100_000;
const receiptsMax = 10;

/** One message for one linked device, from a person in the sandbox or from another linked device. Times are milliseconds since 1970. */
export interface IncomingRecord {
  /** Of all such records, from 1: the order in which they were put before their devices. */
  number: number;
  id: string;
  /** Phone number of who wrote it. */
  from: string;
  /** JID of the group it was written in. */
  group: string | null;
  /** The account and its linked device. */
  to: string;
  deviceId: number;
  /** A copy of what the account's owner wrote elsewhere. */
  isOwn: boolean;
  postedAt: number;
  /** How often it went out on a socket of the device, and first when. */
  deliveries: number;
  deliveredAt: number | null;
  /** How often the device asked for it again. */
  retriesAsked: number;
  /** Receipts of the device, "delivered" and "inactive" among them, and refusals as "error 500"; the last 10. */
  receipts: { type: string; at: number }[];
  /** When the device first confirmed that it has it, by a receipt other than a request to send it again. */
  confirmedAt: number | null;
}

/** Which message is meant: ids are unique per device. */
type IncomingKey = Pick<IncomingRecord, "id" | "to" | "deviceId">;

/** Every message that was put before linked devices since the start, the last 100,000. */
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

  wentOut(key: IncomingKey): void {
    const record = this.#records.get(keyOf(key));
    if (!record) return;
    record.deliveries += 1;
    record.deliveredAt ??= Date.now();
  }

  /** A device said something about a message: `type` is that of its receipt, "error 500" for a refusal. */
  heard(key: IncomingKey, type: string): void {
    const record = this.#records.get(keyOf(key));
    if (!record) return;
    record.receipts = [...record.receipts, { type, at: Date.now() }].slice(-receiptsMax);
    if (type === "retry") record.retriesAsked += 1;
    else if (!type.startsWith("error")) record.confirmedAt ??= Date.now();
  }
}

const keyOf = ({ to, deviceId, id }: IncomingKey): string => `${to}:${deviceId} ${id}`;
