import type { Facts } from "../facts.ts";
import type { FaultKind } from "../schedule.ts";
import type { Check, Violation } from "./check.ts";

const wrongKey: FaultKind = "connector restarted with another encryption key";

/** How long a fault of another connector still excuses: until its lease has expired and its channels are taken over. */
const excusedMs = 30_000;

/**
 * A connector with another encryption key takes no channel that a living connector could serve. While a further fault keeps
 * the others away, nobody living can read the credentials, and the channel says so.
 */
export const readableKeys: Check = (facts) => {
  const said = unreadable(facts);
  const violations = said.filter(({ at }) => !isExcused(facts, at));
  const faults = facts.faults.filter(({ kind }) => kind === wrongKey).length;
  return {
    promise: "no connector takes a channel whose credentials only another can read",
    counted: `${faults} starts with another key: ${violations.length} channels unreadable besides ${said.length - violations.length} while no other connector was left`,
    violations,
  };
};

function unreadable({ events }: Facts): Violation[] {
  return [...events.values()]
    .flat()
    .filter(({ type, data }) => type === "connection_update" && data.reason === "credentials_unreadable")
    .map((event) => ({
      what: `${event.channelId} was taken by a connector that cannot read its credentials`,
      at: event.timestamp.getTime(),
      about: event,
    }));
}

/** Whether a fault of another connector may have left nobody who could read them. */
function isExcused({ faults }: Facts, at: number): boolean {
  const active = faults.filter(({ from, to }) => from <= at && at <= (to ?? at) + excusedMs);
  return active.some(({ kind }) => kind !== wrongKey && kind.startsWith("connector"));
}
