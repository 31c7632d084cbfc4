import type { Account, ReceivedMessage, ReceivedReceipt } from "../account.ts";
import type { Companion, OwnDevice, PersonState } from "./state.ts";

/** A simulated person as the server knows them: their devices, and where what concerns them is told. */
export interface Person extends Readonly<Pick<Account, "phoneNumber" | "pushName" | "receiptPolicy">> {
  readonly state: PersonState;
  readonly phone: OwnDevice;
  /** The phone (0) or another device of their own. */
  device(id: number): OwnDevice | undefined;
  /** A linked client. */
  companion(id: number): Companion | undefined;
  /** A message came into the inbox. */
  onMessage(message: ReceivedMessage): void;
  /** A linked client of somebody else has seen a message of this person. */
  onReceipt(receipt: Omit<ReceivedReceipt, "at">): void;
}
