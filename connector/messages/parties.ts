import { jidUser, normaliseJid, phoneNumberOf } from "#shared/jid.ts";
import type { AuthState } from "../auth/auth-state.ts";

/** Tells whose a JID is: a person has a number and a LID, and WhatsApp uses either. */
export interface Parties {
  /** Whether the JID is the channel's own account. */
  isOwn(jid: string | null | undefined): boolean;
  /** Whether the JID is one of these, or the same person's other address as far as WhatsApp has told us. */
  isOneOf(jid: string | null | undefined, jids: readonly string[]): Promise<boolean>;
  /** The JID, and the same person's other address as far as WhatsApp has told us. */
  addressesOf(jid: string): Promise<string[]>;
  /** The numbers' JIDs of these LIDs, as far as WhatsApp has told us. */
  numbersOf(lids: readonly string[]): Promise<Map<string, string>>;
}

export function createParties(auth: Pick<AuthState, "linked" | "state"> | null): Parties {
  const ownJids = () => {
    const me = auth?.linked() ? auth.state.creds.me : undefined;
    return [normaliseJid(me?.id), normaliseJid(me?.lid)];
  };
  /** The rows in which Baileys keeps what WhatsApp says about a person's two addresses. */
  const mapped = async (row: string): Promise<string | undefined> =>
    auth?.linked() ? (await auth.state.keys.get("lid-mapping", [row]))[row] : undefined;
  /** The person's other address; null if it is not known. */
  const otherOf = async (jid: string): Promise<string | null> => {
    const own = ownJids();
    if (own.some((one) => one === jid)) return own.find((one) => one !== jid) ?? null;
    const isNumber = phoneNumberOf(jid) !== null;
    const user = await mapped(isNumber ? jidUser(jid) : `${jidUser(jid)}_reverse`);
    return user ? normaliseJid(`${user}@${isNumber ? "lid" : "s.whatsapp.net"}`) : null;
  };

  return {
    isOwn(jid) {
      const known = normaliseJid(jid);
      return known !== null && ownJids().some((one) => one === known);
    },
    async isOneOf(jid, jids) {
      const asked = normaliseJid(jid);
      if (asked === null) return false;
      const known = jids.map(normaliseJid);
      if (known.includes(asked)) return true;
      if (asked.endsWith("@g.us")) return false;
      const other = await otherOf(asked);
      return known.some((one) => one !== null && one === other);
    },
    async numbersOf(lids) {
      const asked = [...new Set(lids)];
      const found = await Promise.all(asked.map(otherOf));
      return new Map(
        asked.flatMap((lid, index) => {
          const number = found[index];
          return number ? [[lid, number] as const] : [];
        }),
      );
    },
    async addressesOf(jid) {
      const other = await otherOf(jid);
      return other ? [jid, other] : [jid];
    },
  };
}
