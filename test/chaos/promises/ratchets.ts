import type { Check } from "./check.ts";

/** No ratchet was rolled back, and every message that failed to decrypt was decrypted later. */
export const ratchets: Check = ({ reusedRatchetCounters, decryptFailures }) => {
  const unrepaired = decryptFailures.filter(({ repairedAt }) => repairedAt === null);
  return {
    promise: "no ratchet counter is reused, no decrypt failure stays unrepaired",
    counted: `${reusedRatchetCounters} reused; ${unrepaired.length} of ${decryptFailures.length} decrypt failures unrepaired`,
    violations: [
      ...(reusedRatchetCounters > 0
        ? [{ what: `${reusedRatchetCounters} ratchet counters were used twice`, at: 0 }]
        : []),
      ...unrepaired.map((failure) => ({
        what: `${failure.to} never decrypted ${failure.id}`,
        at: failure.at,
        about: failure,
      })),
    ],
  };
};
