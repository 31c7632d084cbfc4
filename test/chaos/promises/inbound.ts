import type { EventDocument } from "#shared/collections.ts";
import type { Facts } from "../facts.ts";
import type { Inbound } from "../load.ts";
import type { Broken, Judge } from "./row.ts";

/** Every message that a contact wrote is one event, in order per chat. */
export const inboundOnce: Judge = (facts) => {
  const byText = eventsByText(facts);
  const chats = Map.groupBy(facts.inbound, ({ channel, from }) => `${channel.channelId} ${from}`);
  const broken: Broken[] = [];
  const counts = { lost: 0, doubled: 0, inversions: 0 };
  for (const chat of chats.values()) {
    let latest: { seq: number; text: string } | undefined;
    for (const message of chat.toSorted((a, b) => a.number - b.number)) {
      const found = byText.get(message.text) ?? [];
      const [event] = found;
      const say = (count: keyof typeof counts, what: string) => {
        counts[count] += 1;
        broken.push(brokenBy(message, found, what));
      };
      if (!event) say("lost", "is in no event");
      else if (found.length > 1) say("doubled", `is ${found.length} events`);
      if (event && latest && event.seq < latest.seq)
        say("inversions", `is event ${event.seq}, and "${latest.text}" is event ${latest.seq}`);
      if (event && event.seq > (latest?.seq ?? 0)) latest = { seq: event.seq, text: message.text };
    }
  }
  const { lost, doubled, inversions } = counts;
  return {
    promise: "every inbound message is one event, in order per chat",
    counted: `${facts.inbound.length} in ${chats.size} chats: ${lost} lost, ${doubled} doubled, ${inversions} inversions`,
    broken,
  };
};

function eventsByText({ events }: Facts): Map<string, EventDocument[]> {
  const incoming = [...events.values()].flat().filter(({ type }) => type === "incoming_message");
  return Map.groupBy(incoming, ({ data }) => String(data.message));
}

function brokenBy(message: Inbound, found: readonly EventDocument[], what: string): Broken {
  const { channel, ...about } = message;
  return {
    what: `"${message.text}" ${what}`,
    at: message.at,
    about: { channelId: channel.channelId, phone: channel.phone.phoneNumber, ...about, events: found },
  };
}
