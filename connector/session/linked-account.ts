import type { ChannelDocument } from "#shared/collections.ts";
import { normaliseJid, phoneNumberOf } from "#shared/jid.ts";
import type { AuthState } from "../auth/auth-state.ts";
import type { PairingMethod } from "../machine/machine.ts";
import { isSameAccountNumber } from "./account-number.ts";
import type { Account } from "./channel-store.ts";

/** Knows which account a channel is for, and which one is linked. */
export interface LinkedAccount {
  /** The channel's own JID; empty while no account is linked. */
  ownJid(): string;
  /** Whether the linked account differs from the one that the caller named; false when the caller named none. */
  isWrongAccount(method: PairingMethod): boolean;
  /** The linked account, whose number and LID may have changed. */
  linked(): Account;
  /** Call it with what is stored: it stays accepted, whatever its number. */
  accept(account: Account): void;
}

export interface LinkedAccountOptions {
  channel: Pick<ChannelDocument, "givenNumber" | "lid">;
  /** Null when the credentials cannot be read. */
  auth: Pick<AuthState, "linked" | "state"> | null;
}

/**
 * Only a number that the caller gave, when creating or pairing the channel, binds the account; one that linking filled in
 * does not. An accepted account stays accepted when it moves to another number: its LID identifies it.
 */
export function createLinkedAccount({ channel, auth }: LinkedAccountOptions): LinkedAccount {
  let acceptedLid: string | null = normaliseJid(channel.lid);
  const me = () => (auth?.linked() ? auth.state.creds.me : undefined);
  return {
    ownJid: () => normaliseJid(me()?.id) ?? "",
    isWrongAccount(method) {
      const wanted = channel.givenNumber ?? (method.kind === "code" ? method.phoneNumber : null);
      const linked = phoneNumberOf(me()?.id);
      if (wanted === null || linked === null || isSameAccountNumber(wanted, linked)) return false;
      return acceptedLid === null || acceptedLid !== normaliseJid(me()?.lid);
    },
    linked: () => ({ phoneNumber: phoneNumberOf(me()?.id), lid: normaliseJid(me()?.lid) }),
    accept({ lid }) {
      acceptedLid = lid;
    },
  };
}
