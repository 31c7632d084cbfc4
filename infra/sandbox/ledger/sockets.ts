import { BoundedRecords } from "./bounded-records.ts";

const recordsMax = 50_000;

/** One connection of a client, from its upgrade to its end. Times are milliseconds since 1970. */
export interface SocketRecord {
  id: string;
  /** The client's port: which process it was, `/proc/net/tcp` and the like can tell while it lives. */
  remotePort: number;
  openedAt: number;
  /** Whose it is, once it has logged in. */
  phoneNumber: string | null;
  deviceId: number | null;
  loggedInAt: number | null;
  /** Stanzas of the client, and when the last came. */
  heard: number;
  lastHeardAt: number | null;
  /** When it was over for the server. */
  endedAt: number | null;
  /** "client" hung up or its wire broke; "drop", "stopped"; what the server said: "515", "replaced", "device_removed", "failure 401" … */
  reason: string | null;
  /** Stanzas that came after the server had ended it: thrown away. */
  heardAfterEnd: number;
}

/** Two sockets of one linked device that were logged in at once: the server ends the former at the login of the next. */
export interface Overlap {
  phoneNumber: string;
  deviceId: number;
  former: SocketRecord;
  next: SocketRecord;
  at: number;
  /** How long the former had said nothing by then; a stopped process has been silent for long. */
  silentMs: number;
}

/** Every connection since the start, the last 50,000. */
export class SocketLedger {
  readonly #records = new BoundedRecords<SocketRecord>(recordsMax);
  readonly #overlaps = new BoundedRecords<Overlap>(recordsMax);

  get forgotten(): number {
    return this.#records.forgotten;
  }

  records(): SocketRecord[] {
    return this.#records.values();
  }

  overlaps(): Overlap[] {
    return this.#overlaps.values();
  }

  opened(id: string, remotePort: number): SocketRecord {
    return this.#records.ensure(id, () => ({
      id,
      remotePort,
      openedAt: Date.now(),
      phoneNumber: null,
      deviceId: null,
      loggedInAt: null,
      heard: 0,
      lastHeardAt: null,
      endedAt: null,
      reason: null,
      heardAfterEnd: 0,
    }));
  }

  /** `former` is the device's socket that was still open. */
  loggedIn(
    record: SocketRecord,
    device: { phoneNumber: string; deviceId: number },
    former: SocketRecord | null,
  ): void {
    const at = Date.now();
    Object.assign(record, device, { loggedInAt: at });
    if (!former) return;
    const silentMs = at - (former.lastHeardAt ?? former.openedAt);
    this.#overlaps.ensure(record.id, () => ({ ...device, former, next: record, at, silentMs }));
  }
}

/** Only the first end counts. */
export function ended(record: SocketRecord, reason: string): void {
  if (record.endedAt !== null) return;
  record.endedAt = Date.now();
  record.reason = reason;
}
