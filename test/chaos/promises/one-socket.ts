import type { Overlap } from "#infra/sandbox/ledger/sockets.ts";
import type { Facts } from "../facts.ts";
import type { FaultKind } from "../schedule.ts";
import type { Check, Violation } from "./check.ts";

/** After these faults a process may hold a socket that it cannot close before its successor logs in. */
const excuses: readonly FaultKind[] = [
  "connector paused and resumed",
  "connector gets no answer from WhatsApp",
];

/** A paused connector's channels are taken over while its sockets are open; the newer login closes those. */
const excusedMs = 60_000;

/**
 * At most one live socket per channel, except during the handover that the protocol itself provides: a process that is
 * paused, or whose connection to WhatsApp is dead, cannot close its socket before its successor logs in. And epochs never
 * fall along the log: no deposed owner wrote to it.
 */
export const oneSocket: Check = (facts) => {
  const handedOver: Overlap[] = [];
  const violations: Violation[] = [];
  for (const overlap of facts.overlaps) {
    if (isExcused(facts, overlap)) handedOver.push(overlap);
    else
      violations.push({
        what: `two live sockets for ${overlap.phoneNumber}: ${nameOf(facts, overlap.former.id)}, then ${nameOf(facts, overlap.next.id)}`,
        at: overlap.at,
        about: overlap,
      });
  }
  const stale = staleRows(facts);
  return {
    promise: "at most one live socket per channel; no write by a deposed owner",
    counted: `${violations.length} overlaps besides ${handedOver.length} at a handover; ${stale.length} stale rows`,
    violations: [...violations, ...stale],
  };
};

function isExcused(facts: Facts, { former, at }: Overlap): boolean {
  const process = nameOf(facts, former.id);
  return facts.faults.some(
    ({ kind, target, from, to }) =>
      excuses.includes(kind) && target === process && from <= at && at <= (to ?? at) + excusedMs,
  );
}

function nameOf({ sockets }: Facts, id: string): string {
  return sockets.find((socket) => socket.id === id)?.process ?? "an unknown process";
}

/** Events written under a lower epoch than an earlier event. */
function staleRows({ events }: Facts): Violation[] {
  const violations: Violation[] = [];
  for (const log of events.values()) {
    let highest = 0;
    for (const event of log) {
      const { epoch } = event as { epoch?: number };
      if (epoch === undefined) continue;
      if (epoch < highest)
        violations.push({
          what: `event ${event.seq} of ${event.channelId} was written under epoch ${epoch}, after epoch ${highest}`,
          at: event.timestamp.getTime(),
          about: event,
        });
      highest = Math.max(highest, epoch);
    }
  }
  return violations;
}
