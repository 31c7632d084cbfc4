import type { Timestamp } from "mongodb";
import type { OutgoingRecord } from "#infra/sandbox/ledger/outgoing.ts";
import type { CommandDocument } from "#shared/collections.ts";
import type { Outcome } from "../facts.ts";
import type { Broken, Judge } from "./row.ts";

type Sent = Outcome & { command: CommandDocument; arrival: OutgoingRecord & { arrivedAt: number } };

/**
 * Among the succeeded sends of a channel and lane, the order in which they were accepted is the order in which they
 * first arrived; one that was sent again counts from the copy that came first.
 */
export const order: Judge = ({ outcomes }) => {
  const sent = outcomes.flatMap(succeeded);
  const lanes = Map.groupBy(sent, ({ command }) => `${command.channelId} ${command.lane}`);
  const streams = Map.groupBy(sent, ({ send }) => `${send.channel.channelId} ${send.stream}`);
  const broken = [
    ...[...lanes.values()].flatMap((lane) => inversions(lane.toSorted(byOrd))),
    ...[...streams.values()].flatMap((one) =>
      inversions(one.toSorted((a, b) => a.send.number - b.send.number)),
    ),
  ];
  return {
    promise: "order per channel and lane kept among succeeded sends",
    counted: `${broken.length} inversions among ${sent.length} sends in ${lanes.size} lanes`,
    broken,
  };
};

function succeeded(outcome: Outcome): Sent[] {
  const { command, wire } = outcome;
  const [first] = wire;
  if (command?.state !== "succeeded" || !first || first.arrivedAt === null) return [];
  return [{ ...outcome, command, arrival: { ...first, arrivedAt: first.arrivedAt } }];
}

function inversions(sorted: readonly Sent[]): Broken[] {
  const broken: Broken[] = [];
  let latest: Sent | undefined;
  for (const one of sorted) {
    if (latest && isEarlier(one.arrival, latest.arrival)) {
      const what = `arrived before "${latest.send.text}" (${latest.command._id}), which was accepted earlier`;
      broken.push({ what, at: one.arrival.arrivedAt, outcome: one, about: { overtaken: traceOf(latest) } });
    } else latest = one;
  }
  return broken;
}

/** Readers have an order of their own; between two of them a millisecond is the finest that is known. */
function isEarlier(a: Sent["arrival"], b: Sent["arrival"]): boolean {
  if (a.to === b.to) return (a.order ?? 0) < (b.order ?? 0);
  return a.arrivedAt < b.arrivedAt;
}

function byOrd({ command: a }: Sent, { command: b }: Sent): number {
  return compare(a.ord, b.ord) || (a._id < b._id ? -1 : 1);
}

const compare = (a: Timestamp, b: Timestamp): number => a.compare(b);

const traceOf = ({ send, command, arrival }: Sent) => ({
  ...{ answers: send.answers, acceptedAt: send.acceptedAt },
  ...{ command, arrival },
});
