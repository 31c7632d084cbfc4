import { jidUser, phoneNumberOf } from "#shared/jid.ts";

/** An address for people: the phone number if known, otherwise the JID. */
export function contactName(jid: string, phoneNumber: string | null = null): string {
  const digits = phoneNumber ?? phoneNumberOf(jid);
  return digits === null ? jid : `+${jidUser(digits)}`;
}
