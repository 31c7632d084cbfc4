import { normaliseJid, phoneNumberOf } from "#shared/address.ts";
import type { ChannelDocument } from "#shared/collections.ts";
import type { AuthState } from "../auth/auth-state.ts";
import type { PairingMethod } from "../machine/machine.ts";
import { isSameAccountNumber } from "./account-number.ts";
import type { ChannelRecord } from "./channel-record.ts";

/** Whose account a channel is for, and whose it has. */
export interface Identity {
  /** The channel's own JID; empty while it has none. */
  self(): string;
  /** Whether the linked account is another than the caller named; never so without a name. */
  isStranger(method: PairingMethod): boolean;
  /** Writes down whose account it is, also when that has changed. */
  remember(): Promise<void>;
}

export interface IdentityOptions {
  channel: Pick<ChannelDocument, "givenNumber" | "lid">;
  /** Null when there are credentials that cannot be used. */
  auth: Pick<AuthState, "linked" | "state"> | null;
  record: Pick<ChannelRecord, "linkedTo">;
}

/**
 * A number that the caller gave, at create or with the pairing, binds the account that links. The number that linking
 * itself filled in does not, and an account that was taken once stays the same whatever number it moves to: its LID says.
 */
export function createIdentity({ channel, auth, record }: IdentityOptions): Identity {
  let taken = normaliseJid(channel.lid);
  const me = () => (auth?.linked() ? auth.state.creds.me : undefined);
  return {
    self: () => normaliseJid(me()?.id) ?? "",
    isStranger(method) {
      const wanted = channel.givenNumber ?? (method.kind === "code" ? method.phoneNumber : null);
      const linked = phoneNumberOf(me()?.id);
      if (wanted === null || linked === null || isSameAccountNumber(wanted, linked)) return false;
      return taken === null || taken !== normaliseJid(me()?.lid);
    },
    async remember() {
      const lid = normaliseJid(me()?.lid);
      await record.linkedTo(phoneNumberOf(me()?.id), lid);
      taken = lid;
    },
  };
}
