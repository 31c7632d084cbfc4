import { BoundedRecords } from "./bounded-records.ts";

const recordsMax = 50_000;

/** One connection of a client, from its upgrade to its end. Times are milliseconds since 1970. */
export interface SocketRecord {
  id: string;
  /** The client's port, from which `/proc/net/tcp` and the like find its process while that lives. */
  remotePort: number;
  openedAt: number;
  /** Set once it has logged in. */
  phoneNumber: string | null;
  deviceId: number | null;
  loggedInAt: number | null;
  /** Stanzas from the client, and when the last one arrived. */
  heard: number;
  lastHeardAt: number | null;
  /** When it ended for the server. */
  endedAt: number | null;
  /** "client" if the client hung up or its connection broke; "drop", "stopped"; or what the server sent: "515", "replaced", "device_removed", "failure 401" … */
  reason: string | null;
  /** Stanzas that arrived after the server had ended it, and were dropped. */
  heardAfterEnd: number;
}

/** Two sockets of one linked device that were logged in at once: the server ends the former when the next logs in. */
export interface Overlap {
  phoneNumber: string;
  deviceId: number;
  former: SocketRecord;
  next: SocketRecord;
  at: number;
  /** How long the former had been silent by then; a stopped process is silent for long. */
  silentMs: number;
}

/** Every connection since the start; the last 50,000. */
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

  /** `former` is the device's socket that was still open, if any. */
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

/** Records the end of a connection. Only the first call counts. */
export function ended(record: SocketRecord, reason: string): void {
  if (record.endedAt !== null) return;
  record.endedAt = Date.now();
  record.reason = reason;
}
