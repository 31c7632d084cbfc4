import { jidUser, phoneNumberOf } from "#shared/address.ts";

/** An address as people read it: the number when it is known, else the JID. */
export function peerName(jid: string, phoneNumber: string | null = null): string {
  const digits = phoneNumber ?? phoneNumberOf(jid);
  return digits === null ? jid : `+${jidUser(digits)}`;
}
