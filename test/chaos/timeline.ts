import type { InjectedFault } from "./inject-faults.ts";
import type { Load } from "./load.ts";

const columnMs = 10_000;
const levels = " ▁▂▃▄▅▆▇█";

/** A line per fault on a time axis, above the accepted sends and the inbound messages of every ten seconds. */
export function timeline(
  began: number,
  faults: readonly InjectedFault[],
  { sends, inbound }: Load,
): string[] {
  const ended = Math.max(Date.now(), began + columnMs);
  const columns = Math.ceil((ended - began) / columnMs);
  const accepted = sends.flatMap(({ acceptedAt }) => (acceptedAt === null ? [] : [acceptedAt]));
  const name = Math.max(...faults.map(({ kind }) => kind.length), 12);
  const bars = faults
    .toSorted((a, b) => a.from - b.from)
    .map(({ kind, target, from, to, failed }) => {
      const first = Math.floor((from - began) / columnMs);
      const last = Math.floor(((to ?? ended) - began) / columnMs);
      const bar = Array.from({ length: columns }, (_, at) => (at < first || at > last ? "·" : "█")).join("");
      return `${kind.padEnd(name)} ${bar} ${clock(from - began)} ${shortened(target)}${failed ? ` FAILED: ${failed}` : ""}`;
    });
  return [
    ...bars,
    `${"accepted/10 s".padEnd(name)} ${heights(began, columns, accepted)}`,
    `${"inbound/10 s".padEnd(name)} ${heights(
      began,
      columns,
      inbound.map(({ at }) => at),
    )}`,
  ];
}

function heights(began: number, columns: number, times: readonly number[]): string {
  const counts = Array.from({ length: columns }, () => 0);
  for (const at of times) {
    const column = Math.floor((at - began) / columnMs);
    counts[column] = (counts[column] ?? 0) + 1;
  }
  const most = Math.max(...counts, 1);
  const level = (count: number) => levels[Math.ceil((count / most) * (levels.length - 1))] ?? " ";
  return `${counts.map(level).join("")} max ${most}`;
}

/** Minutes and seconds, such as `1:05`. */
export function clock(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

const shortened = (text: string): string => (text.length > 40 ? `${text.slice(0, 37)}…` : text);
