import type { Overlap } from "#infra/sandbox/ledger/sockets.ts";
import type { Facts } from "../facts.ts";
import type { FaultKind } from "../schedule.ts";
import type { Broken, Judge } from "./row.ts";

/** After these a process may hold a socket that it cannot know, or cannot say, is no longer its own. */
const excuses: readonly FaultKind[] = [
  "connector stopped and continued",
  "connector's WhatsApp says nothing",
];

/** A stopped connector's channels are taken over while its sockets are still open: the newer login ends them. */
const excusedMs = 60_000;

/**
 * At most one live socket per channel, but for the hand-over that the protocol itself knows: a process that was
 * stopped, or whose wire was dead, cannot hang up before another takes its place. And the log's writers only ever change
 * forward.
 */
export const oneSocket: Judge = (facts) => {
  const handedOver: Overlap[] = [];
  const broken: Broken[] = [];
  for (const overlap of facts.overlaps) {
    if (isExcused(facts, overlap)) handedOver.push(overlap);
    else
      broken.push({
        what: `two live sockets of ${overlap.phoneNumber}: ${nameOf(facts, overlap.former.id)}, then ${nameOf(facts, overlap.next.id)}`,
        at: overlap.at,
        about: overlap,
      });
  }
  const stale = staleRows(facts);
  return {
    promise: "at most one live socket per channel; no write by a deposed owner",
    counted: `${broken.length} overlaps beyond ${handedOver.length} hand-overs; ${stale.length} stale rows`,
    broken: [...broken, ...stale],
  };
};

function isExcused(facts: Facts, { former, at }: Overlap): boolean {
  const process = nameOf(facts, former.id);
  return facts.faults.some(
    ({ kind, struck, from, to }) =>
      excuses.includes(kind) && struck === process && from <= at && at <= (to ?? at) + excusedMs,
  );
}

function nameOf({ sockets }: Facts, id: string): string {
  return sockets.find((socket) => socket.id === id)?.process ?? "an unknown process";
}

/** Epochs never fall along the log. */
function staleRows({ events }: Facts): Broken[] {
  const broken: Broken[] = [];
  for (const log of events.values()) {
    let highest = 0;
    for (const event of log) {
      const { epoch } = event as { epoch?: number };
      if (epoch === undefined) continue;
      if (epoch < highest)
        broken.push({
          what: `event ${event.seq} of ${event.channelId} was written under epoch ${epoch}, after one of ${highest}`,
          at: event.timestamp.getTime(),
          about: event,
        });
      highest = Math.max(highest, epoch);
    }
  }
  return broken;
}
