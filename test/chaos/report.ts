import type { Facts } from "./facts.ts";
import type { InjectedFault } from "./inject-faults.ts";
import { plural } from "./plural.ts";
import type { CheckResult, Violation } from "./promises/check.ts";
import { clock } from "./timeline.ts";

const nearMs = 40_000;
const shownMax = 3;

/** The table of promises, one line each. */
export function table(rows: readonly CheckResult[]): string[] {
  const width = Math.max(...rows.map(({ promise }) => promise.length));
  return rows.map(
    ({ promise, counted, violations }) =>
      `${violations.length === 0 ? "holds " : "BROKEN"} ${promise.padEnd(width)}  ${counted}`,
  );
}

/** The first few violations of each promise in full. */
export function traces(rows: readonly CheckResult[], facts: Facts, began: number): string[] {
  return rows.flatMap(({ promise, violations }) =>
    violations.length === 0
      ? []
      : [
          "",
          `${promise}: ${plural(violations.length, "violation")}`,
          ...violations.slice(0, shownMax).flatMap((one) => trace(one, facts, began)),
          ...(violations.length > shownMax ? [`  … and ${violations.length - shownMax} more`] : []),
        ],
  );
}

/** One violation: the send, its command, its stanzas and events, and the faults near it. */
function trace({ what, at, outcome, about }: Violation, facts: Facts, began: number): string[] {
  const time = (value: unknown) =>
    value instanceof Date || typeof value === "number" ? clock(Number(value) - began) : JSON.stringify(value);
  const lines = [`- ${clock(at - began)} (${new Date(at).toISOString()}) ${what}`];
  if (outcome) {
    const { send, command, wire } = outcome;
    const { channel, answers, ...request } = send;
    lines.push(
      `  send     ${JSON.stringify({ channelId: channel.channelId, phone: channel.phone.phoneNumber, ...request })}`,
    );
    for (const answer of answers) lines.push(`  answer   ${time(answer.at)} ${answer.answer}`);
    lines.push(`  command  ${JSON.stringify(command)}`);
    for (const record of wire) lines.push(`  wire     ${JSON.stringify(record)}`);
    for (const event of eventsOf(facts, channel.channelId, command?.messageId))
      lines.push(`  event    ${JSON.stringify(event)}`);
  }
  if (about !== undefined) lines.push(`  details  ${JSON.stringify(about)}`);
  for (const line of deliveryOf(facts, idIn(about) ?? outcome?.command?.messageId)) lines.push(line);
  for (const fault of near(facts.faults, at))
    lines.push(
      `  fault    ${clock(fault.from - began)} to ${fault.to === null ? "the end" : clock(fault.to - began)}: ${fault.kind} (${fault.target})`,
    );
  return lines;
}

function eventsOf({ events }: Facts, channelId: string, messageId: string | undefined) {
  if (messageId === undefined) return [];
  return (events.get(channelId) ?? []).filter(({ data }) => data.messageId === messageId);
}

/** The sandbox's records of an inbound message: its delivery and its decrypt failures. */
function deliveryOf({ incoming, decryptFailures }: Facts, id: string | undefined): string[] {
  if (id === undefined) return [];
  return [
    ...incoming.filter((one) => one.id === id).map((one) => `  inbound  ${JSON.stringify(one)}`),
    ...decryptFailures.filter((one) => one.id === id).map((one) => `  failure  ${JSON.stringify(one)}`),
  ];
}

function idIn(about: unknown): string | undefined {
  return typeof about === "object" && about !== null && "id" in about ? String(about.id) : undefined;
}

function near(faults: readonly InjectedFault[], at: number): InjectedFault[] {
  return faults.filter(({ from, to }) => from - nearMs < at && at < (to ?? at) + nearMs);
}
