import { normaliseJid, phoneNumberOf } from "#shared/address.ts";
import type { ChannelDocument } from "#shared/collections.ts";
import type { AuthState } from "../auth/auth-state.ts";
import type { PairingMethod } from "../machine/machine.ts";
import { isSameAccountNumber } from "./account-number.ts";
import type { ChannelStore } from "./channel-store.ts";

/** Whose account a channel is for, and whose it has. */
export interface LinkedAccount {
  /** The channel's own JID; empty while it has none. */
  ownJid(): string;
  /** Whether the linked account is another than the caller named; never so without a name. */
  isWrongAccount(method: PairingMethod): boolean;
  /** Writes down whose account it is, also when that has changed. */
  remember(): Promise<void>;
}

export interface LinkedAccountOptions {
  channel: Pick<ChannelDocument, "givenNumber" | "lid">;
  /** Null when there are credentials that cannot be used. */
  auth: Pick<AuthState, "linked" | "state"> | null;
  channelStore: Pick<ChannelStore, "setAccount">;
}

/**
 * A number that the caller gave, at create or with the pairing, binds the account that links. The number that linking
 * itself filled in does not, and an account that was taken once stays the same whatever number it moves to: its LID says.
 */
export function createLinkedAccount({ channel, auth, channelStore }: LinkedAccountOptions): LinkedAccount {
  let taken = normaliseJid(channel.lid);
  const me = () => (auth?.linked() ? auth.state.creds.me : undefined);
  return {
    ownJid: () => normaliseJid(me()?.id) ?? "",
    isWrongAccount(method) {
      const wanted = channel.givenNumber ?? (method.kind === "code" ? method.phoneNumber : null);
      const linked = phoneNumberOf(me()?.id);
      if (wanted === null || linked === null || isSameAccountNumber(wanted, linked)) return false;
      return taken === null || taken !== normaliseJid(me()?.lid);
    },
    async remember() {
      const lid = normaliseJid(me()?.lid);
      await channelStore.setAccount(phoneNumberOf(me()?.id), lid);
      taken = lid;
    },
  };
}
