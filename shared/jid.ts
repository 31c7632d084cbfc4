/**
 * WhatsApp addresses: phone numbers, JIDs and LIDs; parsed, normalised, compared.
 *
 * A JID is `<user>[:<device>]@<server>`. A person has a phone-number JID (`@s.whatsapp.net`) and a LID (`@lid`),
 * an identifier that does not reveal the number.
 */

declare const brand: unique symbol;

/** Digits only, with country code: 7–15 of them, no leading zero. */
export type PhoneNumber = string & { readonly [brand]: "PhoneNumber" };

/** A normalised JID: lower case, without a device part. */
export type Jid = string & { readonly [brand]: "Jid" };

export type Address =
  | { kind: "phone"; jid: Jid; phoneNumber: PhoneNumber }
  | { kind: "lid"; jid: Jid; lid: string }
  | { kind: "group"; jid: Jid };

const phoneNumberPattern = /^[1-9]\d{6,14}$/;
const lidPattern = /^\d{1,20}$/;
const groupPattern = /^\d{1,20}(-\d{1,20})?$/;
const jidPattern = /^([^@:]+)(?::\d{1,5})?@([a-z.]+)$/;

/** Longer than any address is written. */
const charactersMax = 200;

/**
 * Parses a phone number as people write it (`+1 555-123-4567`), dropping spaces, inner dashes and a leading `+`. Takes the
 * dashes and digits of every script, and what a page adds unseen to the numbers that are copied from it.
 */
export function parsePhoneNumber(text: string): PhoneNumber | null {
  const plain = visible(text)
    .replace(/[\p{Pd}\u2212]/gu, "-")
    .replace(/\uFF0B/g, "+")
    .replace(/\p{Nd}/gu, asciiDigit);
  const [, written = ""] = /^\+?\s*(\d.*)$/s.exec(plain) ?? [];
  const digits = written.replace(/[\s-]/g, "");
  return isPhoneNumber(digits) ? digits : null;
}

/** Parses a recipient: `+15551234567`, digits, `…@s.whatsapp.net` (or the older `…@c.us`), `…@lid`, `…@g.us`. */
export function parseAddress(text: string): Address | null {
  const jid = jidPattern.exec(visible(text).toLowerCase());
  if (!jid) return phoneAddress(parsePhoneNumber(text));
  const [, user = "", server = ""] = jid;
  return byServer.get(server)?.(user) ?? null;
}

/** The user part of a JID, which for a phone-number JID is the number itself. */
export function jidUser(jid: string): string {
  return jid.split(/[@:]/, 1)[0] ?? "";
}

/** The phone number in a JID, or null if the JID does not reveal one. */
export function phoneNumberOf(jid: string | null | undefined): PhoneNumber | null {
  const address = jid ? parseAddress(jid) : null;
  return address?.kind === "phone" ? address.phoneNumber : null;
}

/** The JID without its device part, or null if it belongs to neither a person nor a group. */
export function normaliseJid(jid: string | null | undefined): Jid | null {
  return (jid ? parseAddress(jid) : null)?.jid ?? null;
}

/** Whether two spellings name the same address. A number and a LID never do: only WhatsApp knows who owns both. */
export function isSameAddress(a: string, b: string): boolean {
  const left = normaliseJid(a);
  return left !== null && left === normaliseJid(b);
}

/** Drops spaces at both ends, and characters without a shape: directions of writing, zero widths, soft hyphens. */
function visible(text: string): string {
  return text.length > charactersMax ? "" : text.replace(/\p{Cf}/gu, "").trim();
}

/** Unicode has the digits of each script in a row that begins with zero. */
function asciiDigit(digit: string): string {
  const code = digit.codePointAt(0) ?? 0;
  let zero = code;
  while (/\p{Nd}/u.test(String.fromCodePoint(zero - 1))) zero -= 1;
  return String((code - zero) % 10);
}

function phoneJid(phoneNumber: PhoneNumber): Jid {
  return `${phoneNumber}@s.whatsapp.net` as Jid;
}

/** A map, because an object also has keys such as `constructor`. A hosted device is one of the person's own. */
const byServer = new Map<string, (user: string) => Address | null>([
  ["s.whatsapp.net", personAddress],
  ["c.us", personAddress],
  ["hosted", personAddress],
  ["lid", lidAddress],
  ["hosted.lid", lidAddress],
  ["g.us", groupAddress],
]);

function personAddress(user: string): Address | null {
  return isPhoneNumber(user) ? phoneAddress(user) : null;
}

function lidAddress(user: string): Address | null {
  return lidPattern.test(user) ? { kind: "lid", jid: `${user}@lid` as Jid, lid: user } : null;
}

function groupAddress(user: string): Address | null {
  return groupPattern.test(user) ? { kind: "group", jid: `${user}@g.us` as Jid } : null;
}

function phoneAddress(phoneNumber: PhoneNumber | null): Address | null {
  return phoneNumber && { kind: "phone", jid: phoneJid(phoneNumber), phoneNumber };
}

function isPhoneNumber(text: string): text is PhoneNumber {
  return phoneNumberPattern.test(text);
}
