/** What the sandbox has seen since it started or was last reset. Everything but `stanzas` is expected to be 0 or known. */
interface CountValues {
  /** Stanzas received, by tag. */
  stanzas: Record<string, number>;
  /** Stanzas sent, by tag. */
  sent: Record<string, number>;
  /** Stanzas that no row of the sandbox's tables answers: a gap in the sandbox, or nonsense from a client. */
  unknownNodes: number;
  /** Copies that a contact's device could not decrypt although nothing had broken its session. */
  decryptFailures: number;
  /** Copies that could not be decrypted because `forgetSessions` was called. */
  forcedDecryptFailures: number;
  /** Same (ephemeral key, counter) twice from one device: its ratchet was rolled back. */
  reusedRatchetCounters: number;
  /** Two live sockets of one linked device; the older one was told `replaced`. */
  simultaneousSockets: number;
  /** A first message without, or with a wrongly signed, device identity. */
  badDeviceIdentities: number;
  /** Exceptions inside the sandbox. */
  handlerErrors: number;
  /** Retry receipts received from clients, and asked of them. */
  retriesReceived: number;
  retriesAsked: number;
  logins: number;
  failedLogins: number;
  refusedUpgrades: number;
  pairings: number;
  /** Times that a client was told that few of its one-time pre-keys are left. */
  preKeyNotices: number;
}

/** Live counters. Read a field any time; `snapshot` is a copy that no longer changes. */
export interface Counters extends CountValues {
  snapshot(): CountValues;
  reset(): void;
}

const zero = (): CountValues => ({
  stanzas: {},
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
