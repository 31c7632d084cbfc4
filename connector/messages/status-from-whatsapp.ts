import type { EventData, MessageStatus } from "#shared/events.ts";
import type { BaileysEventMap } from "../baileys/baileys.ts";

/** Baileys' status numbers in our words; the others say nothing to a caller. */
const statusNames: Record<number, Exclude<MessageStatus, "queued" | "unknown">> = {
  0: "failed",
  2: "sent",
  3: "delivered",
  4: "read",
  5: "played",
};

/** Converts Baileys' update about one of our messages; null for updates that callers do not see. */
export function statusFromWhatsApp({
  key,
  update,
}: BaileysEventMap["messages.update"][number]): EventData["message_status_update"] | null {
  const status = statusNames[Number(update.status ?? Number.NaN)];
  if (!status || !key.fromMe || !key.id) return null;
  const error = status === "failed" ? { error: refusal(update.messageStubParameters) } : {};
  return { messageId: key.id, status, ...error };
}

function refusal(parameters: readonly string[] | null | undefined) {
  const whatsappCode = Number(parameters?.[0]);
  return { code: "whatsapp_rejected", ...(Number.isFinite(whatsappCode) ? { whatsappCode } : {}) };
}
