import { phoneNumberOf } from "#shared/jid.ts";
import type { SeenMessage } from "./from-whatsapp.ts";

const change = ["from", "sender", "author"];
const message = ["from", "sender", "mentions", "replyTo.sender", "content.seller", "content.people"];

/** Where the data of an event names people. */
const jidFields: Record<SeenMessage["type"], readonly string[]> = {
  incoming_message: message,
  outgoing_message: [...message, "to"],
  message_edited: [...change, "mentions", "content.seller"],
  message_deleted: change,
  reaction: change,
  poll_vote: change,
  event_response: change,
  message_pinned: change,
  message_kept: change,
};

type Rename = (jid: string) => string;

/** The same event with the number's JID for everybody whose number is known, by LID, so that a person has one name. */
export function withKnownNumbers(seen: SeenMessage, numbers: ReadonlyMap<string, string>): SeenMessage {
  if (!lidsIn(seen).some((lid) => numbers.has(lid))) return seen;
  const named = (jid: string) => numbers.get(jid) ?? jid;
  const renamed = renamedEvent(seen, named);
  const { lid, sender } = seen.data;
  const phoneNumber = phoneNumberOf(named(lid ?? sender));
  return lid && phoneNumber ? withNumber(renamed, phoneNumber) : renamed;
}

/** The LIDs of those whom an event names. */
export function lidsIn(seen: SeenMessage): string[] {
  const lids: string[] = [];
  renamedEvent(seen, (jid) => {
    if (jid.endsWith("@lid")) lids.push(jid);
    return jid;
  });
  if (seen.data.lid) lids.push(seen.data.lid);
  return lids;
}

function renamedEvent(seen: SeenMessage, named: Rename): SeenMessage {
  const renameField = (data: object, field: string) => renamedField(data, field.split("."), named);
  const data = jidFields[seen.type].reduce(renameField, seen.data);
  // A field keeps its shape.
  return { ...seen, chat: named(seen.chat), sender: named(seen.sender), data } as SeenMessage;
}

function renamedField(data: object, [name = "", ...inner]: readonly string[], named: Rename): object {
  const value = (data as Record<string, unknown>)[name];
  if (typeof value === "string") return { ...data, [name]: named(value) };
  // Two names may be one person's.
  if (Array.isArray(value)) return { ...data, [name]: [...new Set(value.map(named))] };
  const isObject = typeof value === "object" && value !== null;
  return isObject ? { ...data, [name]: renamedField(value, inner, named) } : data;
}

function withNumber<S extends SeenMessage>(seen: S, phoneNumber: string): S {
  return { ...seen, data: { ...seen.data, phoneNumber } };
}
