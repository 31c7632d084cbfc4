import { proto, type WAMessage } from "../../baileys/baileys.ts";
import { addressingOf, type OwnAccount } from "./addressing.ts";
import { changeIn } from "./change.ts";
import { kindOf } from "./kinds.ts";
import { unwrap } from "./unwrap.ts";

/** Why somebody could miss a message that has no event. */
export type DropReason =
  | "newsletter"
  | "unknown_chat"
  | "undecryptable"
  | "notification"
  /** Somebody edits or deletes what is not theirs. */
  | "forbidden_change";

const { CIPHERTEXT } = proto.WebMessageInfo.StubType;

/** Why `fromWhatsApp` returns null for this message; null for bookkeeping, which nobody misses. */
export function dropReason(
  { key, message, messageStubType }: WAMessage,
  account: OwnAccount,
): DropReason | null {
  // WhatsApp sends the message again when the contact or the phone still has it.
  if (messageStubType === CIPHERTEXT) return "undecryptable";
  if (messageStubType) return "notification";
  if (!message) return null;
  const unwrapped = unwrap(message);
  const change = changeIn(unwrapped);
  if (!change && !kindOf(unwrapped.body)) return null;
  if (key.remoteJid?.endsWith("@newsletter")) return "newsletter";
  return change && key.id && addressingOf(key, account) ? "forbidden_change" : "unknown_chat";
}
