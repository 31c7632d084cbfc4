import type { EventDocument } from "#shared/collections.ts";
import type { Facts } from "../facts.ts";
import type { Check, Violation } from "./check.ts";

/** Every send that reached a contact is announced once, before its statuses; it and every inbound message has one row. */
export const keptOnce: Check = (facts) => {
  const announced = Map.groupBy(ofType(facts, "outgoing_message"), ({ data }) => String(data.messageId));
  const statuses = Map.groupBy(ofType(facts, "message_status_update"), ({ data }) => String(data.messageId));
  const rows = Map.groupBy(facts.messages, ({ text }) => text ?? "");
  const violations: Violation[] = [];
  const reached = facts.outcomes.filter(({ wire }) => wire.some(({ arrivedAt }) => arrivedAt !== null));
  for (const outcome of reached) {
    const { send, command } = outcome;
    const report = (what: string) => violations.push({ what, at: send.askedAt, outcome });
    const [event, ...others] = announced.get(command?.messageId ?? "") ?? [];
    const first = statuses.get(command?.messageId ?? "")?.find(({ data }) => data.status !== "failed");
    if (!event) report("was never announced");
    if (others.length > 0) report(`was announced ${others.length + 1} times`);
    if (event && first && first.seq < event.seq) report("had a status before it was announced");
    if (event && event.data.message !== send.text) report("was announced with another text");
    if (rows.get(send.text)?.length !== 1) report(`has ${rows.get(send.text)?.length ?? 0} rows`);
  }
  for (const { text, at, id } of facts.inbound) {
    const found = rows.get(text)?.length ?? 0;
    if (found !== 1) violations.push({ what: `"${text}" has ${found} rows`, at, about: { id } });
  }
  return {
    promise: "every message is kept once, and every send announced once",
    counted: `${reached.length} sent, ${facts.inbound.length} received, ${facts.messages.length} rows`,
    violations,
  };
};

function ofType({ events }: Facts, type: string): EventDocument[] {
  return [...events.values()].flat().filter((event) => event.type === type);
}
