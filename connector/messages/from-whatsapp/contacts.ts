import type { proto } from "../../baileys/baileys.ts";
import { filled, listed } from "./fields.ts";
import type { Convert, Converted } from "./kind.ts";

type Card = proto.Message.IContactMessage;

export const contact: Convert<"contactMessage"> = (card) => contactsOf([card]);

export const contacts: Convert<"contactsArrayMessage"> = (value) => contactsOf(value.contacts ?? []);

export const requestPhoneNumber: Convert<"requestPhoneNumberMessage"> = () => ({
  content: { type: "request_phone_number" },
  text: "",
});

export const sharePhoneNumber = (): Converted => ({ content: { type: "share_phone_number" }, text: "" });

function contactsOf(cards: readonly Card[]): Converted {
  const contacts = cards.map(contactOf);
  const names = contacts.map(
    ({ name, organisation, phones, email }) => name || organisation || phones[0] || email,
  );
  return { content: { type: "contacts", contacts }, text: listed(names) };
}

function contactOf({ displayName, vcard }: Card) {
  const fields = fieldsOf(vcard ?? "");
  const first = (name: string) => fields.find((field) => field.name === name)?.value;
  const phones = fields.filter(({ name }) => name === "TEL").map(({ value }) => value);
  return {
    name: displayName || first("FN") || "",
    phones,
    ...filled({ organisation: organisationOf(first("ORG")), email: first("EMAIL") }),
  };
}

/** An organisation's parts, from the whole to the department. */
function organisationOf(value = ""): string {
  return listed(value.split(";"));
}

/** The fields of a vCard, which may stand in groups and have parameters: `item1.TEL;waid=1555:+1 555`. */
function fieldsOf(vcard: string) {
  // A line that begins with a space goes on with the one before.
  const lines = vcard.replace(/\r?\n[ \t]/g, "").split(/\r?\n/);
  return lines.flatMap((line) => {
    const [, name = "", value = ""] = /^(?:[\w-]+\.)?([A-Za-z-]+)(?:;[^:]*)?:(.*)$/.exec(line) ?? [];
    return name && value.trim() ? [{ name: name.toUpperCase(), value: unescaped(value.trim()) }] : [];
  });
}

/** In one pass: an escaped backslash escapes nothing that follows it. */
function unescaped(value: string): string {
  return value.replace(/\\([nN\\,;:])/g, (_, escaped: string) => (/n/i.test(escaped) ? "\n" : escaped));
}
