import { errorTrace } from "#shared/error-trace.ts";
import type { Logger } from "#shared/log.ts";
import type { WAMessage } from "../baileys/baileys.ts";
import type { OwnAccount } from "../messages/from-whatsapp/addressing.ts";
import { type DropReason, dropReason } from "../messages/from-whatsapp/drop-reason.ts";
import { fromWhatsApp, type SeenMessage, unconverted } from "../messages/from-whatsapp/from-whatsapp.ts";
import type { TakenIn } from "./taken-in.ts";

/**
 * The events of these messages, without those that have none. What somebody could miss is counted in the log, by reason.
 */
export function convertMessages(messages: readonly WAMessage[], account: OwnAccount, log: Logger): TakenIn[] {
  const dropped: Record<string, number> = {};
  const taken = messages.flatMap((message) => {
    const seen = converted(message, account, log);
    if (typeof seen !== "string") return seen ? [{ message, seen }] : [];
    dropped[seen] = (dropped[seen] ?? 0) + 1;
    return [];
  });
  if (Object.keys(dropped).length > 0)
    log.info({ event: "messages_dropped", dropped }, "messages without an event");
  return taken;
}

/** A message we cannot convert must not fail the session: it would fail again on every restart. Callers get its kind alone. */
function converted(
  message: WAMessage,
  account: OwnAccount,
  log: Logger,
): SeenMessage | DropReason | "unreadable" | null {
  try {
    return fromWhatsApp(message, account) ?? dropReason(message, account);
  } catch (error) {
    log.warn({ event: "inbox", ...errorTrace(error) }, "message reduced to its kind: cannot be converted");
  }
  try {
    return unconverted(message, account) ?? "unreadable";
  } catch {
    return "unreadable";
  }
}
