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
  /** The numbers' JIDs of these LIDs, as far as WhatsApp has told us, with one read for all that are not remembered. */
  numbersOf(lids: readonly string[]): Promise<Map<string, string>>;
}

export function createParties(auth: Pick<AuthState, "linked" | "state"> | null): Parties {
  const ownJids = () => {
    const me = auth?.linked() ? auth.state.creds.me : undefined;
    return [normaliseJid(me?.id), normaliseJid(me?.lid)];
  };
  /** What WhatsApp says about persons' two addresses, in the rows in which Baileys keeps it. */
  const mapped = async (rows: readonly string[]): Promise<Record<string, string | undefined>> =>
    auth?.linked() && rows.length > 0 ? await auth.state.keys.get("lid-mapping", [...rows]) : {};
  /** The persons' other addresses; without those that are not known. */
  const othersOf = async (jids: readonly string[]): Promise<Map<string, string>> => {
    const own = ownJids();
    const users = await mapped(jids.filter((jid) => !own.some((one) => one === jid)).map(mappingRow));
    const pairs = jids.map((jid) => {
      const user = users[mappingRow(jid)];
      const other = own.some((one) => one === jid)
        ? own.find((one) => one !== jid)
        : user && normaliseJid(`${user}@${phoneNumberOf(jid) === null ? "s.whatsapp.net" : "lid"}`);
      return [jid, other] as const;
    });
    return new Map(pairs.flatMap(([jid, other]) => (other ? [[jid, other] as const] : [])));
  };
  const otherOf = async (jid: string) => (await othersOf([jid])).get(jid) ?? null;

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
    numbersOf: (lids) => othersOf([...new Set(lids)]),
    async addressesOf(jid) {
      const other = await otherOf(jid);
      return other ? [jid, other] : [jid];
    },
  };
}

function mappingRow(jid: string): string {
  return phoneNumberOf(jid) === null ? `${jidUser(jid)}_reverse` : jidUser(jid);
}
