import { BoundedRecords } from "./bounded-records.ts";

const recordsMax = 20_000;

/** A copy that could not be decrypted. Times are milliseconds since 1970. */
export interface DecryptFailure {
  id: string;
  /** Sender and reader, each with a device: `<phone number>:<device>`. */
  from: string;
  to: string;
  /** Which device failed: one of a simulated person, or a linked one (which then requests the copy again). */
  reader: "contact" | "linked";
  at: number;
  /** `forgetSessions` had deleted its session. */
  isForced: boolean;
  /** When the same device decrypted the message after all. */
  repairedAt: number | null;
}

/** Every failed decryption, and whether it was repaired; the last 20,000. */
export class FailureLedger {
  readonly #records = new BoundedRecords<DecryptFailure>(recordsMax);

  get forgotten(): number {
    return this.#records.forgotten;
  }

  records(): DecryptFailure[] {
    return this.#records.values();
  }

  failed(failure: Omit<DecryptFailure, "at" | "repairedAt">): void {
    const record = this.#records.ensure(keyOf(failure), () => ({
      ...failure,
      at: Date.now(),
      repairedAt: null,
    }));
    record.repairedAt = null;
  }

  /** The device has decrypted the message, at once or after a failure. */
  decrypted(message: Pick<DecryptFailure, "id" | "to">): void {
    const record = this.#records.get(keyOf(message));
    if (record) record.repairedAt ??= Date.now();
  }
}

const keyOf = ({ to, id }: Pick<DecryptFailure, "id" | "to">): string => `${to} ${id}`;
