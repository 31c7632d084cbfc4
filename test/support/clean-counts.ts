import type { Counters } from "#infra/sandbox/ledger/counters.ts";

/** The sandbox's error counters if the product did nothing wrong. For `toMatchObject`. */
export const cleanCounts = {
  unknownNodes: 0,
  handlerErrors: 0,
  decryptFailures: 0,
  reusedRatchetCounters: 0,
  badDeviceIdentities: 0,
  simultaneousSockets: 0,
} satisfies Partial<Counters>;
