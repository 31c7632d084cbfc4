import type { Account, ReceivedMessage, ReceivedReceipt } from "../account.ts";
import type { Companion, OwnDevice, PersonState } from "./state.ts";

/** A linked client, with the person it is linked to. */
export interface LinkedClient {
  person: Person;
  companion: Companion;
}

/** A simulated person as the server sees them: their devices, and callbacks for messages and receipts. */
export interface Person extends Readonly<Pick<Account, "phoneNumber" | "pushName" | "receiptPolicy">> {
  readonly state: PersonState;
  readonly phone: OwnDevice;
  /** The phone (0) or another device of their own. */
  device(id: number): OwnDevice | undefined;
  /** A linked client. */
  companion(id: number): Companion | undefined;
  /** A message arrived in the inbox. */
  onMessage(message: ReceivedMessage): void;
  /** A linked client of another person sent a receipt for a message of this person. */
  onReceipt(receipt: Omit<ReceivedReceipt, "at">): void;
}
