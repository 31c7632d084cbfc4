import { phoneNumberOf } from "#shared/jid.ts";
import type { SeenMessage } from "./from-whatsapp.ts";

/** The same event with the number's JID for everybody whose number is known, by LID, so that a person has one name. */
export function withKnownNumbers(seen: SeenMessage, numbers: ReadonlyMap<string, string>): SeenMessage {
  const { data } = seen;
  if (!namesIn(seen).some((jid) => numbers.has(jid))) return seen;
  const named = (jid: string) => numbers.get(jid) ?? jid;
  const number = phoneNumberOf(named(data.lid ?? data.sender));
  const known = number !== null && data.lid ? { phoneNumber: number } : {};
  const renamed = {
    ...{ ...data, ...known, from: named(data.from), sender: named(data.sender) },
    ...("to" in data && { to: named(data.to) }),
    ...("author" in data && { author: named(data.author) }),
    ...("mentions" in data && data.mentions && { mentions: data.mentions.map(named) }),
    ...("replyTo" in data &&
      data.replyTo && { replyTo: { ...data.replyTo, ...senderOf(data.replyTo, named) } }),
  };
  return { ...seen, chat: named(seen.chat), sender: named(seen.sender), data: renamed } as SeenMessage;
}

/** The JIDs of those whom an event names. */
export function namesIn({ data }: SeenMessage): string[] {
  const author = "author" in data ? [data.author] : [];
  const context =
    "content" in data && "type" in data ? [...(data.mentions ?? []), data.replyTo?.sender ?? ""] : [];
  return [data.from, data.sender, ...author, ...context];
}

function senderOf({ sender }: { sender?: string | undefined }, named: (jid: string) => string) {
  return sender ? { sender: named(sender) } : {};
}
