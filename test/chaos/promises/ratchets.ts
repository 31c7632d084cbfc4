import type { Judge } from "./row.ts";

/** No ratchet was rolled back, and whatever could not be read was read after all. */
export const ratchets: Judge = ({ reusedRatchetCounters, decryptFailures }) => {
  const unrepaired = decryptFailures.filter(({ repairedAt }) => repairedAt === null);
  return {
    promise: "no reused ratchet counter, no decrypt failure left unrepaired",
    counted: `${reusedRatchetCounters} reused; ${unrepaired.length} of ${decryptFailures.length} decrypt failures unrepaired`,
    broken: [
      ...(reusedRatchetCounters > 0
        ? [{ what: `${reusedRatchetCounters} ratchet counters were used twice`, at: 0 }]
        : []),
      ...unrepaired.map((failure) => ({
        what: `${failure.to} never read ${failure.id}`,
        at: failure.at,
        about: failure,
      })),
    ],
  };
};
