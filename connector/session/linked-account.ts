import type { ChannelDocument } from "#shared/collections.ts";
import { normaliseJid, phoneNumberOf } from "#shared/jid.ts";
import type { AuthState } from "../auth/auth-state.ts";
import type { PairingMethod } from "../machine/machine.ts";
import { isSameAccountNumber } from "./account-number.ts";
import type { ChannelStore } from "./channel-store.ts";

/** Knows which account a channel is for, and which one is linked. */
export interface LinkedAccount {
  /** The channel's own JID; empty while no account is linked. */
  ownJid(): string;
  /** Whether the linked account differs from the one that the caller named; false when the caller named none. */
  isWrongAccount(method: PairingMethod): boolean;
  /** Stores the linked account, also after its number or LID has changed. */
  remember(): Promise<void>;
}

export interface LinkedAccountOptions {
  channel: Pick<ChannelDocument, "givenNumber" | "lid">;
  /** Null when the credentials cannot be read. */
  auth: Pick<AuthState, "linked" | "state"> | null;
  channelStore: Pick<ChannelStore, "setAccount">;
}

/**
 * Only a number that the caller gave, when creating or pairing the channel, binds the account; one that linking filled in
 * does not. An accepted account stays accepted when it moves to another number: its LID identifies it.
 */
export function createLinkedAccount({ channel, auth, channelStore }: LinkedAccountOptions): LinkedAccount {
  let acceptedLid = normaliseJid(channel.lid);
  const me = () => (auth?.linked() ? auth.state.creds.me : undefined);
  return {
    ownJid: () => normaliseJid(me()?.id) ?? "",
    isWrongAccount(method) {
      const wanted = channel.givenNumber ?? (method.kind === "code" ? method.phoneNumber : null);
      const linked = phoneNumberOf(me()?.id);
      if (wanted === null || linked === null || isSameAccountNumber(wanted, linked)) return false;
      return acceptedLid === null || acceptedLid !== normaliseJid(me()?.lid);
    },
    async remember() {
      const lid = normaliseJid(me()?.lid);
      await channelStore.setAccount(phoneNumberOf(me()?.id), lid);
      acceptedLid = lid;
    },
  };
}
