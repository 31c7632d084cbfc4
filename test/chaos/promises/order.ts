import type { Timestamp } from "mongodb";
import type { OutgoingRecord } from "#infra/sandbox/ledger/outgoing.ts";
import type { CommandDocument } from "#shared/collections.ts";
import type { Outcome } from "../facts.ts";
import type { Check, Violation } from "./check.ts";

type Sent = Outcome & { command: CommandDocument; arrival: OutgoingRecord & { arrivedAt: number } };

/**
 * The succeeded sends of a chat and lane arrive in the order in which they were accepted. A send to another chat may overtake
 * one that waits for WhatsApp's answer about its recipient. A send that was repeated counts from its first arrival.
 */
export const order: Check = ({ outcomes }) => {
  const sent = outcomes.flatMap(succeeded);
  const lanes = Map.groupBy(sent, ({ command, send }) => `${command.channelId} ${command.lane} ${send.to}`);
  const streams = Map.groupBy(sent, ({ send }) => `${send.channel.channelId} ${send.stream} ${send.to}`);
  const violations = [
    ...[...lanes.values()].flatMap((lane) => inversions(lane.toSorted(byOrd))),
    ...[...streams.values()].flatMap((one) =>
      inversions(one.toSorted((a, b) => a.send.number - b.send.number)),
    ),
  ];
  return {
    promise: "succeeded sends keep their order per chat and lane",
    counted: `${violations.length} out of order among ${sent.length} sends in ${lanes.size} chats and lanes`,
    violations,
  };
};

function succeeded(outcome: Outcome): Sent[] {
  const { command, wire } = outcome;
  const [first] = wire;
  if (command?.state !== "succeeded" || !first || first.arrivedAt === null) return [];
  return [{ ...outcome, command, arrival: { ...first, arrivedAt: first.arrivedAt } }];
}

function inversions(sorted: readonly Sent[]): Violation[] {
  const violations: Violation[] = [];
  let latest: Sent | undefined;
  for (const one of sorted) {
    if (latest && isEarlier(one.arrival, latest.arrival)) {
      const what = `arrived before "${latest.send.text}" (${latest.command._id}), which was accepted earlier`;
      violations.push({
        what,
        at: one.arrival.arrivedAt,
        outcome: one,
        about: { overtaken: traceOf(latest) },
      });
    } else latest = one;
  }
  return violations;
}

/** Each contact numbers its arrivals. */
function isEarlier(a: Sent["arrival"], b: Sent["arrival"]): boolean {
  return (a.order ?? 0) < (b.order ?? 0);
}

function byOrd({ command: a }: Sent, { command: b }: Sent): number {
  return compare(a.ord, b.ord) || (a._id < b._id ? -1 : 1);
}

const compare = (a: Timestamp, b: Timestamp): number => a.compare(b);

const traceOf = ({ send, command, arrival }: Sent) => ({
  ...{ answers: send.answers, acceptedAt: send.acceptedAt },
  ...{ command, arrival },
});
