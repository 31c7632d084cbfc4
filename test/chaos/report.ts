import type { DoneFault } from "./damage.ts";
import type { Facts } from "./facts.ts";
import type { Broken, Row } from "./promises/row.ts";
import { clock } from "./timeline.ts";

const nearMs = 40_000;
const shownMax = 3;

/** The table of promises, as a terminal shows it. */
export function table(rows: readonly Row[]): string[] {
  const width = Math.max(...rows.map(({ promise }) => promise.length));
  return rows.map(
    ({ promise, counted, broken }) =>
      `${broken.length === 0 ? "holds " : "BROKEN"} ${promise.padEnd(width)}  ${counted}`,
  );
}

/** What broke a promise: the first few of each in full, for people. */
export function traces(rows: readonly Row[], facts: Facts, began: number): string[] {
  return rows.flatMap(({ promise, broken }) =>
    broken.length === 0
      ? []
      : [
          "",
          `${promise}: ${broken.length} broken`,
          ...broken.slice(0, shownMax).flatMap((one) => trace(one, facts, began)),
          ...(broken.length > shownMax ? [`  … and ${broken.length - shownMax} more`] : []),
        ],
  );
}

/** One broken promise: the message, its command, what the wire saw of it, its events, and which faults were near. */
function trace({ what, at, outcome, about }: Broken, facts: Facts, began: number): string[] {
  const time = (value: unknown) =>
    value instanceof Date || typeof value === "number" ? clock(Number(value) - began) : JSON.stringify(value);
  const lines = [`- ${clock(at - began)} (${new Date(at).toISOString()}) ${what}`];
  if (outcome) {
    const { send, command, wire } = outcome;
    const { channel, answers, ...asked } = send;
    lines.push(
      `  asked    ${JSON.stringify({ channelId: channel.channelId, phone: channel.phone.phoneNumber, ...asked })}`,
    );
    for (const answer of answers) lines.push(`  answer   ${time(answer.at)} ${answer.answer}`);
    lines.push(`  command  ${JSON.stringify(command)}`);
    for (const record of wire) lines.push(`  wire     ${JSON.stringify(record)}`);
    for (const event of eventsOf(facts, channel.channelId, command?.messageId))
      lines.push(`  event    ${JSON.stringify(event)}`);
  }
  if (about !== undefined) lines.push(`  about    ${JSON.stringify(about)}`);
  for (const line of signalOf(facts, idIn(about) ?? outcome?.command?.messageId)) lines.push(line);
  for (const fault of near(facts.faults, at))
    lines.push(
      `  fault    ${clock(fault.from - began)} to ${fault.to === null ? "the end" : clock(fault.to - began)}: ${fault.kind} (${fault.struck})`,
    );
  return lines;
}

function eventsOf({ events }: Facts, channelId: string, messageId: string | undefined) {
  if (messageId === undefined) return [];
  return (events.get(channelId) ?? []).filter(({ data }) => data.messageId === messageId);
}

/** What the sandbox knows of a message, besides what is on the wire. */
function signalOf({ incoming, decryptFailures }: Facts, id: string | undefined): string[] {
  if (id === undefined) return [];
  return [
    ...incoming.filter((one) => one.id === id).map((one) => `  incoming ${JSON.stringify(one)}`),
    ...decryptFailures.filter((one) => one.id === id).map((one) => `  unread   ${JSON.stringify(one)}`),
  ];
}

function idIn(about: unknown): string | undefined {
  return typeof about === "object" && about !== null && "id" in about ? String(about.id) : undefined;
}

function near(faults: readonly DoneFault[], at: number): DoneFault[] {
  return faults.filter(({ from, to }) => from - nearMs < at && at < (to ?? at) + nearMs);
}
