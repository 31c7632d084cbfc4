/** Counts since the sandbox started or was last reset. Tests expect every value except `stanzas`, `queries` and `sent` to be 0 or known. */
interface CountValues {
  /** Stanzas received, by tag. */
  stanzas: Record<string, number>;
  /** Queries received, by namespace, type and first child: `encrypt get count`. */
  queries: Record<string, number>;
  /** Stanzas sent, by tag. */
  sent: Record<string, number>;
  /** Stanzas that no handler of the sandbox answers: a gap in the sandbox, or nonsense from a client. */
  unknownNodes: number;
  /** Copies that a contact's device could not decrypt although no fault had broken its session. */
  decryptFailures: number;
  /** Copies that could not be decrypted because `forgetSessions` was called. */
  forcedDecryptFailures: number;
  /** The same (ephemeral key, counter) twice from one device: its ratchet was rolled back. */
  reusedRatchetCounters: number;
  /** Two live sockets of one linked device; the older one was ended with `replaced`. */
  simultaneousSockets: number;
  /** First messages without a device identity, or with a wrongly signed one. */
  badDeviceIdentities: number;
  /** Exceptions inside the sandbox. */
  handlerErrors: number;
  /** Retry receipts received from clients, and sent to them. */
  retriesReceived: number;
  retriesAsked: number;
  logins: number;
  failedLogins: number;
  refusedUpgrades: number;
  pairings: number;
  /** Notices to clients that few of their one-time pre-keys are left. */
  preKeyNotices: number;
}

/** Live counters. Fields can be read at any time; `snapshot` returns a copy that does not change. */
export interface Counters extends CountValues {
  snapshot(): CountValues;
  reset(): void;
}

const zero = (): CountValues => ({
  stanzas: {},
  queries: {},
  sent: {},
  unknownNodes: 0,
  decryptFailures: 0,
  forcedDecryptFailures: 0,
  reusedRatchetCounters: 0,
  simultaneousSockets: 0,
  badDeviceIdentities: 0,
  handlerErrors: 0,
  retriesReceived: 0,
  retriesAsked: 0,
  logins: 0,
  failedLogins: 0,
  refusedUpgrades: 0,
  pairings: 0,
  preKeyNotices: 0,
});

export function createCounters(): Counters {
  const counts: Counters = {
    ...zero(),
    snapshot() {
      const { snapshot: _snapshot, reset: _reset, ...values } = counts;
      return structuredClone(values);
    },
    reset() {
      Object.assign(counts, zero());
    },
  };
  return counts;
}
