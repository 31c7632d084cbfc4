import type { EventDocument } from "#shared/collections.ts";
import type { Facts } from "../facts.ts";
import type { Inbound } from "../load.ts";
import type { Check, Violation } from "./check.ts";

/** Every message from a contact is published once, in order per chat. */
export const inboundOnce: Check = (facts) => {
  const byText = eventsByText(facts);
  const chats = Map.groupBy(facts.inbound, ({ channel, from }) => `${channel.channelId} ${from}`);
  const violations: Violation[] = [];
  const counts = { lost: 0, duplicated: 0, outOfOrder: 0 };
  for (const chat of chats.values()) {
    let latest: { seq: number; text: string } | undefined;
    for (const message of chat.toSorted((a, b) => a.number - b.number)) {
      const found = byText.get(message.text) ?? [];
      const [event] = found;
      const report = (count: keyof typeof counts, what: string) => {
        counts[count] += 1;
        violations.push(violationOf(message, found, what));
      };
      if (!event) report("lost", "was never published");
      else if (found.length > 1) report("duplicated", `was published ${found.length} times`);
      if (event && latest && event.seq < latest.seq)
        report(
          "outOfOrder",
          `is event ${event.seq}, but the earlier "${latest.text}" is event ${latest.seq}`,
        );
      if (event && event.seq > (latest?.seq ?? 0)) latest = { seq: event.seq, text: message.text };
    }
  }
  const { lost, duplicated, outOfOrder } = counts;
  return {
    promise: "every inbound message is published once, in order per chat",
    counted: `${facts.inbound.length} in ${chats.size} chats: ${lost} lost, ${duplicated} duplicated, ${outOfOrder} out of order`,
    violations,
  };
};

function eventsByText({ events }: Facts): Map<string, EventDocument[]> {
  const incoming = [...events.values()].flat().filter(({ type }) => type === "incoming_message");
  return Map.groupBy(incoming, ({ data }) => String(data.message));
}

function violationOf(message: Inbound, found: readonly EventDocument[], what: string): Violation {
  const { channel, ...about } = message;
  return {
    what: `"${message.text}" ${what}`,
    at: message.at,
    about: { channelId: channel.channelId, phone: channel.phone.phoneNumber, ...about, events: found },
  };
}
